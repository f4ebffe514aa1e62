"""The sandboxes by name, for tests that try each."""

from __future__ import annotations

import shutil

import pytest

from workbench.workflow import namespaces
from workbench.workflow.sandbox import Backend, Bubblewrap, CleanProcess


def backend_of(name: str) -> Backend:
    """Return it; the test is skipped where it does not work."""
    if name == "clean":
        return CleanProcess()
    if name == "namespaces":
        if problem := namespaces.problem():
            pytest.skip(problem)
        return namespaces.Namespaces()
    if (program := shutil.which("bwrap")) is None:
        pytest.skip("bubblewrap is not installed")
    return Bubblewrap(program)
