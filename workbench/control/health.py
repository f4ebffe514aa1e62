"""Whether the home's router, recording and store work right now: the parts that a user depends on."""

from __future__ import annotations

import os
import shutil
from typing import Any

import msgspec

from workbench.control.check import Check, Status, doubt, fault, good, worst
from workbench.control.locate import Sighting, look
from workbench.control.process import start_command
from workbench.domain.errors import StoreUnavailable
from workbench.settings.home import Home

_TIGHT_DISK = 200_000_000


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The parts, worst first in `status`; `reachable` is False when no router answers."""

    status: Status
    reachable: bool
    parts: list[Check]
    router: dict[str, Any]
    """What ``/health`` said; empty when it did not."""

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {
            "status": {"ok": "ok", "warn": "degraded", "bad": "failed"}[self.status],
            "reachable": self.reachable,
            "parts": [part.to_json() for part in self.parts],
            "router": self.router,
        }


def check_health(home: Home) -> Health:
    """Look at every part. Takes at most a few seconds and never raises for what is broken."""
    seen = look(home)
    parts = [_router(home, seen)]
    if seen.state == "ready":
        parts.append(_recorder(home, seen.health.get("recorder")))
        parts += _retention(seen.health.get("retention"))
    parts += [check_store(home), _disk(home)]
    return Health(status=worst(parts), reachable=seen.state == "ready", parts=parts, router=dict(seen.health))


def _router(home: Home, seen: Sighting) -> Check:
    if seen.state == "ready" and seen.file is not None:
        return good("router", f"{seen.file.base_url}, version {seen.file.version}")
    fix = "workbench router restart --now" if seen.state == "silent" else start_command(home)
    return fault("router", f"{seen.state}: {seen.detail}", fix)


def _recorder(home: Home, state: Any) -> Check:
    if not isinstance(state, dict):
        return doubt("recording", "the router does not say")
    lost = state.get("unrecorded") or 0
    if state.get("status") != "ok":
        detail = f"{state.get('status')}: {state.get('error') or 'no reason given'}; {lost} not recorded"
        return fault("recording", detail, "workbench store verify")
    if refused := state.get("refused") or 0:
        detail = f"{lost} exchanges were not recorded; {refused} of them are in {home.unrecorded}"
        return doubt("recording", f"{detail} ({state.get('trouble')})", "workbench import FILE, once mended")
    if lost:
        return doubt("recording", f"works again; {lost} exchanges were not recorded")
    if trouble := state.get("trouble"):
        return good("recording", f"every exchange is recorded, after some trouble: {trouble}")
    return good("recording", "every exchange is recorded")


def _retention(state: Any) -> list[Check]:
    """Return what is wrong with the router's own pruning; nothing where it does its work."""
    error = state.get("error") if isinstance(state, dict) else None
    return (
        [doubt("retention", f"could not be applied: {error}", "workbench prune --dry-run")] if error else []
    )


def check_store(home: Home) -> Check:
    """Open the store and read from it."""
    from workbench.store.store import Reader

    if not home.store.exists():
        return good("store", "none yet; the first exchange makes it")
    try:
        with Reader.open(home.store) as reader:
            reader.exchanges(limit=1)
    except StoreUnavailable as error:
        return fault("store", error.message, error.hint or "workbench store verify")
    if not os.access(home.store, os.W_OK):
        return fault("store", f"{home.store} can't be written", f"chmod u+w {home.store}")
    return good("store", f"{home.store} ({home.store.stat().st_size / 1e6:.1f} MB)")


def _disk(home: Home) -> Check:
    free = shutil.disk_usage(home.root).free
    if free < _TIGHT_DISK:
        return fault("disk", f"{free / 1e6:.0f} MB free", "workbench prune")
    return good("disk", f"{free / 1e9:.1f} GB free")
