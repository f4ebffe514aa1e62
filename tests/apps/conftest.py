"""The apps are tested against a real router, as everything end to end is."""

from __future__ import annotations

from tests.e2e.conftest import home, router

__all__ = ["home", "router"]
