"""The router's state as lines: facts, then each model group with its deployments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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


def router_lines(
    status: RouterStatus,
    history: Mapping[str, Sequence[float]],
    home: str,
    width: int,
    services: Sequence[tuple[str, str]] = (),
) -> Lines:
    """Return what is known of the router, for a text of `width` cells; `services` are name and state."""
    widths = WIDE if width >= _LEAST else NARROW
    lines = Lines()
    if not status.up:
        lines = _down(lines, status, home)
        lines.lines += [Line(""), *(fact(name, one_line(state, 200)) for name, state in services)]
        return lines
    lines.lines = [
        fact("address", f"{status.base_url}/v1", "bold"),
        fact("key", f"LITELLM_MASTER_KEY in {home}/.env"),
        fact("state", f"{status.state}, up {fmt.duration(status.uptime_s * 1000)}, pid {status.pid}"),
        fact("recording", _recording(status), "bad" if status.recording == "degraded" else "text"),
        fact("profile", status.profile or "–"),
        fact("version", status.version),
        *(fact(name, one_line(state, 200)) for name, state in services),
    ]
    lines.lines += [Line(""), _head(widths)]
    for group in sorted(status.groups, key=_is_off):
        lines.lines += _group(group, history, widths)
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
    if status.recording_error:
        text += f": {one_line(status.recording_error, 200)}"
    elif status.recording_trouble:
        text += f"; last trouble: {one_line(status.recording_trouble, 200)}"
    return text


class Widths(NamedTuple):
    """Cells of the columns of the table of deployments."""

    name: int
    who: int
    state: int
    figures: tuple[tuple[str, int], ...]
    spark: int


WIDE = Widths(20, 30, 9, (("now", 5), ("total", 8), ("failed", 8), ("p50", 9), ("p95", 9), ("first", 9)), 24)
NARROW = Widths(15, 24, 8, (("now", 4), ("total", 6), ("failed", 7), ("p95", 8)), 0)
_LEAST = 104
"""Cells that the wide table needs."""


def _head(widths: Widths) -> Line:
    figures = "".join(fit(name, width, right=True) for name, width in widths.figures)
    text = fit("deployment", widths.who) + fit("state", widths.state) + figures
    return Line(text, "faint", widths.name + 2, "  model")


def _group(group: dict[str, Any], history: Mapping[str, Sequence[float]], widths: Widths) -> list[Line]:
    lines: list[Line] = []
    name = one_line(str(group.get("name", "")), widths.name - 1)
    for deployment in group.get("deployments") or ():
        if isinstance(deployment, dict):
            lines += _deployment(name, deployment, history, widths)
            name = ""
    return lines


def _deployment(
    name: str, data: dict[str, Any], history: Mapping[str, Sequence[float]], widths: Widths
) -> list[Line]:
    state = str(data.get("state") or ("closed" if data.get("enabled", True) else "disabled"))
    sign, style, word = _STATES.get(state, ("?", "faint", state))
    who = fit(one_line(f"{data.get('provider')} {data.get('model')}", 60), widths.who - 1) + " "
    why = one_line(str(data.get("disabled_reason") or data.get("last_error") or ""), 300)
    gutter, indent = f"{sign} {name}", widths.name + 2
    row = who + fit(word, widths.state)
    if state == "disabled":
        return [Line(f"{row}  {why}", "faint", indent, gutter, "faint")]
    row += "".join(fit(_figure(name, data), width, right=True) for name, width in widths.figures)
    if widths.spark:
        spark = fmt.sparkline(list(history.get(str(data.get("id")), ())), widths.spark).strip()
        row += f"  {spark}" if spark.strip("·") else ""
    lines = [Line(row, "text", indent, gutter, f"bold {style}")]
    if why and state != "closed":
        lines.append(Line(why, "warn", indent))
    return lines


_COUNTS = {"now": "in_flight", "total": "requests", "failed": "failures"}
_DURATIONS = {"p50": "latency_p50_ms", "p95": "latency_p95_ms", "first": "ttft_p50_ms"}


def _figure(name: str, data: dict[str, Any]) -> str:
    if name in _COUNTS:
        return fmt.count(data.get(_COUNTS[name]) or 0)
    return fmt.duration(data.get(_DURATIONS[name]))
