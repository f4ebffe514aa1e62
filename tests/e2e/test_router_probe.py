"""Asking upstreams whether they are there, from the command line."""

from __future__ import annotations

from tests.e2e.conftest import RouterProcess


def test_every_upstream_is_asked(mock_router: RouterProcess) -> None:
    """`router health --probe` says how each deployment stands, or what it answered when it was asked."""
    health = mock_router.cli.json("router", "health", "--probe")
    assert health["status"] == "ok"
    assert health["deployments"]
    assert set(health["deployments"].values()) == {"ok"}
    assert any(not name.startswith(("demo", "echo")) for name in health["deployments"])
