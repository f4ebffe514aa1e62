"""Health: what a user depends on, each part with its mend."""

from __future__ import annotations

from workbench.control.health import check_health
from workbench.control.process import start_router


def test_all_is_well_with_a_running_router(live_home):
    """Router, recording, store and disk are fine."""
    start_router(live_home)
    health = check_health(live_home)
    assert (health.status, health.reachable) == ("ok", True)
    assert [part.name for part in health.parts] == ["router", "recording", "store", "disk"]
    assert health.to_json()["router"]["status"] == "ok"


def test_a_broken_store_and_a_router_that_is_down(live_home):
    """Both are faults with commands that mend them; nothing is raised, nothing is changed."""
    live_home.store.write_bytes(b"no database at all" * 1000)
    health = check_health(live_home)
    assert (health.status, health.reachable) == ("bad", False)
    faults = {part.name: part for part in health.parts if part.status == "bad"}
    assert set(faults) == {"router", "store"}
    assert faults["router"].fix == f"workbench --home {live_home.root} router start"
    assert faults["store"].fix
    assert live_home.store.read_bytes().startswith(b"no database")
