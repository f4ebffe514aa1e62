"""The router's state as lines: facts, then each model group with its deployments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.domain.text import one_line
from workbench.tui import format as fmt
from workbench.tui.document import Line, Lines
from workbench.tui.facts_view import fact
from workbench.tui.messages import RouterStatus
from workbench.tui.paint import fit

_STATES = {
    "closed": ("●", "ok", "ready"),
    "half_open": ("◐", "warn", "trying"),
    "open": ("✗", "bad", "resting"),
    "disabled": ("○", "faint", "off"),
}


def router_lines(status: RouterStatus, history: Mapping[str, Sequence[float]], home: str) -> Lines:
    """Return what is known of the router."""
    lines = Lines()
    if not status.up:
        return _down(lines, status, home)
    lines.lines = [
        fact("address", f"{status.base_url}/v1", "bold"),
        fact("key", f"LITELLM_MASTER_KEY in {home}/.env"),
        fact("state", f"{status.state}, up {fmt.duration(status.uptime_s * 1000)}, pid {status.pid}"),
        fact("recording", _recording(status), "bad" if status.recording == "degraded" else "text"),
        fact("profile", status.profile or "–"),
        fact("version", status.version),
    ]
    for group in status.groups:
        lines.lines += _group(group, history)
    if not status.groups:
        lines.lines += [Line(""), Line("No model groups: infra/litellm/config.yaml names none.", "warn")]
    return lines


def _down(lines: Lines, status: RouterStatus, home: str) -> Lines:
    if status.state in {"looking", "starting"}:
        lines.add("The router is being started…" if status.state == "starting" else "Looking for the router…", "dim")
        return lines
    lines.add("The router is not running.", "bold bad")
    if status.trouble is not None:
        lines.add(status.trouble.text, "bad")
        if status.trouble.hint:
            lines.add(status.trouble.hint, "dim")
    lines.lines += [Line(""), fact("here", "s starts it"), fact("in a shell", f"workbench --home {home} router start")]
    return lines


def _recording(status: RouterStatus) -> str:
    text = {"ok": "every exchange", "degraded": "NOT recording", "off": "off"}.get(status.recording, "not known")
    if status.unrecorded:
        text += f", {status.unrecorded} not recorded"
    return text + (f": {one_line(status.recording_error, 200)}" if status.recording_error else "")


def _group(group: dict[str, Any], history: Mapping[str, Sequence[float]]) -> list[Line]:
    deployments = [item for item in group.get("deployments") or () if isinstance(item, dict)]
    head = (
        fit("", 30) + fit("state", 9) + fit("now", 5, right=True) + fit("total", 8, right=True)
        + fit("failed", 8, right=True) + fit("p50", 9, right=True) + fit("p95", 9, right=True)
        + fit("first", 9, right=True)
    )  # fmt: skip
    name = one_line(str(group.get("name", "")), 28)
    lines = [Line(""), Line(head[len(name) + 2 :], "faint", len(name) + 2, name, "bold accent")]
    for deployment in deployments:
        lines += _deployment(deployment, history)
    return lines


def _deployment(data: dict[str, Any], history: Mapping[str, Sequence[float]]) -> list[Line]:
    state = str(data.get("state") or ("closed" if data.get("enabled", True) else "disabled"))
    sign, style, word = _STATES.get(state, ("?", "faint", state))
    name = one_line(f"{data.get('provider')} {data.get('model')}", 60)
    row = (
        fit(name, 26) + " " + fit(word, 9)
        + fit(fmt.count(data.get("in_flight") or 0), 5, right=True)
        + fit(fmt.count(data.get("requests") or 0), 8, right=True)
        + fit(fmt.count(data.get("failures") or 0), 8, right=True)
        + fit(fmt.duration(data.get("latency_p50_ms")), 9, right=True)
        + fit(fmt.duration(data.get("latency_p95_ms")), 9, right=True)
        + fit(fmt.duration(data.get("ttft_p50_ms")), 9, right=True)
        + "  " + fmt.sparkline(list(history.get(str(data.get("id")), ())), 24).strip()
    )  # fmt: skip
    kind = "faint" if state == "disabled" else "text"
    lines = [Line(row.rstrip(), kind, 4, f"  {sign}", style)]
    why = data.get("disabled_reason") or data.get("last_error")
    if why and state != "closed":
        lines.append(Line(one_line(str(why), 300), "warn" if state != "disabled" else "faint", 4))
    return lines
