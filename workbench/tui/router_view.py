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
    lines.lines += [Line(""), _head()]
    for group in sorted(status.groups, key=_is_off):
        lines.lines += _group(group, history)
    if not status.groups:
        lines.lines += [Line(""), Line("No model groups: infra/litellm/config.yaml names none.", "warn")]
    return lines


def _is_off(group: dict[str, Any]) -> bool:
    """Groups that can't answer come last."""
    return all(item.get("state") == "disabled" for item in group.get("deployments") or ())


def _down(lines: Lines, status: RouterStatus, home: str) -> Lines:
    if status.state in {"looking", "starting"}:
        lines.add(
            "The router is being started…" if status.state == "starting" else "Looking for the router…", "dim"
        )
        return lines
    lines.add("The router is not running.", "bold bad")
    if status.trouble is not None:
        lines.add(status.trouble.text, "bad")
        if status.trouble.hint:
            lines.add(status.trouble.hint, "dim")
    lines.lines += [
        Line(""),
        fact("here", "s starts it"),
        fact("in a shell", f"workbench --home {home} router start"),
    ]
    return lines


def _recording(status: RouterStatus) -> str:
    text = {"ok": "every exchange", "degraded": "NOT recording", "off": "off"}.get(
        status.recording, "not known"
    )
    if status.unrecorded:
        text += f", {status.unrecorded} not recorded"
    return text + (f": {one_line(status.recording_error, 200)}" if status.recording_error else "")


_NAME, _WHO, _STATE = 20, 30, 9


def _head() -> Line:
    figures = "".join(
        fit(name, width, right=True)
        for name, width in (("now", 5), ("total", 8), ("failed", 8), ("p50", 9), ("p95", 9), ("first", 9))
    )
    return Line(fit("deployment", _WHO) + fit("state", _STATE) + figures, "faint", _NAME + 2, "  model")


def _group(group: dict[str, Any], history: Mapping[str, Sequence[float]]) -> list[Line]:
    lines: list[Line] = []
    name = one_line(str(group.get("name", "")), _NAME - 1)
    for deployment in group.get("deployments") or ():
        if isinstance(deployment, dict):
            lines += _deployment(name, deployment, history)
            name = ""
    return lines


def _deployment(name: str, data: dict[str, Any], history: Mapping[str, Sequence[float]]) -> list[Line]:
    state = str(data.get("state") or ("closed" if data.get("enabled", True) else "disabled"))
    sign, style, word = _STATES.get(state, ("?", "faint", state))
    who = fit(one_line(f"{data.get('provider')} {data.get('model')}", 60), _WHO - 1) + " "
    why = one_line(str(data.get("disabled_reason") or data.get("last_error") or ""), 300)
    gutter = f"{sign} {name}"
    if state == "disabled":
        return [Line(who + fit(word, _STATE) + "  " + why, "faint", _NAME + 2, gutter, "faint")]
    figures = (
        fit(fmt.count(data.get("in_flight") or 0), 5, right=True)
        + fit(fmt.count(data.get("requests") or 0), 8, right=True)
        + fit(fmt.count(data.get("failures") or 0), 8, right=True)
        + fit(fmt.duration(data.get("latency_p50_ms")), 9, right=True)
        + fit(fmt.duration(data.get("latency_p95_ms")), 9, right=True)
        + fit(fmt.duration(data.get("ttft_p50_ms")), 9, right=True)
    )
    spark = fmt.sparkline(list(history.get(str(data.get("id")), ())), 24).strip()
    row = who + fit(word, _STATE) + figures + (f"  {spark}" if spark.strip("·") else "")
    lines = [Line(row, "text", _NAME + 2, gutter, f"bold {style}")]
    if why and state != "closed":
        lines.append(Line(why, "warn", _NAME + 2))
    return lines
