"""How a row of Runs looks as one line: the same columns for all, the tree in the last one."""

from __future__ import annotations

from typing import Any

from workbench.domain.exchange import Attempt
from workbench.domain.run import Step
from workbench.domain.text import one_line
from workbench.tui import exchange_row
from workbench.tui import format as fmt
from workbench.tui.paint import Piece, fit
from workbench.tui.run_tree import Node, TreeWindow

GLYPHS: dict[str, tuple[str, str]] = {
    "running": ("◌", "second"),
    "waiting": ("◇", "mark"),
    "passed": ("✓", "ok"),
    "failed": ("✗", "bad"),
    "cancelled": ("⊘", "warn"),
    "interrupted": ("!", "warn"),
    "open": ("○", "second"),
    "closed": ("●", "dim"),
    "pending": ("·", "faint"),
    "skipped": ("»", "faint"),
    "written": ("✓", "ok"),
    "writing": ("◌", "second"),
    "refused": ("✗", "bad"),
}
_STARTED, _STATUS, _KIND = 11, 13, 8
_TAILS = ((("exch", 5), ("tokens", 6), ("cost", 8), ("took", 7)), (("exch", 5),))
_WIDE = 92


def glyph(status: str) -> Piece:
    """Return the sign of a run's, step's, file's or gate's status."""
    return GLYPHS.get(status, ("?", "faint"))


def _tail(width: int) -> tuple[tuple[str, int], ...]:
    return _TAILS[width < _WIDE]


class RunRow:
    """Draws the rows of a tree; `about` maps ids of exchanges to what was asked, `verdicts` those of replays
    to how they compare with their original, where that is known.
    """

    def __init__(self, window: TreeWindow) -> None:
        self.about: dict[str, str] = {}
        self.verdicts: dict[str, Piece] = {}
        self._window = window

    def head(self, width: int) -> list[Piece]:
        names = (("started", _STARTED), ("status", _STATUS), ("kind", _KIND))
        left = "".join(fit(name, size) + " " for name, size in names)
        return [(left + " ".join(fit(name, size, right=True) for name, size in _tail(width)) + " what", "")]

    def row(self, item: Node, width: int) -> list[Piece]:
        if item.kind == "more":
            return [(" " * (self.tree_at(width)), ""), *self._tree(item), (self._more(item), "faint")]
        sign, style = _status(item)
        figures = _figures(item)
        cells = " ".join(fit(figures.get(name, ""), size, right=True) for name, size in _tail(width))
        return [
            (fit(_started(item), _STARTED) + " ", "dim"),
            (fit(sign, _STATUS) + " ", style),
            (fit(_kind(item), _KIND) + " ", "faint"),
            (cells + " ", "dim"),
            *self._tree(item),
            *self._what(item),
        ]

    def tree_at(self, width: int) -> int:
        """Return the column in which the tree begins."""
        return _STARTED + _STATUS + _KIND + 3 + sum(size + 1 for _, size in _tail(width))

    def sign_at(self, item: Node, width: int) -> int:
        """Return the column of a row's sign that it can be unfolded."""
        return self.tree_at(width) + len(self._window.lines.get(item.id, ""))

    def _tree(self, item: Node) -> list[Piece]:
        lines = self._window.lines.get(item.id, "")
        if item.inside:
            return [(lines, "faint"), ("▾ " if item.id in self._window.open else "▸ ", "accent")]
        return [(lines + ("─ " if lines else "  "), "faint")]

    def _more(self, item: Node) -> str:
        return "… more: x lists all of them" if self._window.full(item.parent) else "…"

    def _what(self, item: Node) -> list[Piece]:
        if item.kind == "run":
            return _run(item)
        if item.kind == "step":
            return _step(item.value)
        if item.kind == "gate":
            return _gate(item.value)
        if item.kind == "attempt":
            return _attempt(item.value)
        return self._exchange(item)

    def _exchange(self, item: Node) -> list[Piece]:
        exchange = item.exchange
        if exchange is None:
            return []
        marks = exchange_row.flags(exchange)
        pieces: list[Piece] = [(one_line(exchange.model or "–", 40), "bold")]
        if marks:
            pieces.append((f" {marks}", "mark"))
        if item.forks:
            pieces.append((f" ⇉{item.forks}", "second"))
        pieces += [(f" {one_line(tag, 20)}", "second") for tag in exchange.tags[:3]]
        verdict = self.verdicts.get(exchange.id)
        if item.kind == "result" and verdict is not None:
            pieces.append((f" {verdict[0]}", verdict[1]))
        if exchange.state == "failed" or (exchange.error and (exchange.status or 0) >= 400):
            return [*pieces, (" " + one_line(exchange.error or "failed", 300), "bad")]
        return [*pieces, (" " + one_line(exchange.name or self.about.get(exchange.id, ""), 300), "faint")]


def _started(item: Node) -> str:
    if item.kind == "run":
        return fmt.clock(item.started_at)
    return fmt.clock_within(item.started_at, item.run.started_at) if item.kind != "gate" else ""


def _status(item: Node) -> Piece:
    """Return glyph and word: the glyph tells what the colour tells."""
    if item.kind == "attempt":
        attempt: Attempt = item.value
        good = attempt.error is None and (attempt.status or 0) < 400
        word = str(attempt.status) if attempt.status is not None else one_line(attempt.error_code or "–", 11)
        return f"{'✓' if good else '✗'} {word}", "ok" if good else "bad"
    if item.kind not in {"run", "step", "gate"}:
        return exchange_row.state(item.exchange) if item.exchange is not None else ("", "")
    word = item.run.status if item.kind == "run" else _state(item.value)
    sign, style = glyph(word)
    return f"{sign} {word}", style


def _state(value: Any) -> str:
    if isinstance(value, Step):
        return value.status
    return str(value.get("status") or ("passed" if value.get("passed") else "failed"))


def _kind(item: Node) -> str:
    if item.kind == "run":
        return item.run.kind
    return item.value.kind if item.kind == "step" else item.kind


def _figures(item: Node) -> dict[str, str]:
    """Return what the right columns say, by name."""
    match item.kind:
        case "run":
            run = item.run
            took = ((run.ended_at or fmt.now_us()) - run.started_at) / 1000
            figures = run.exchanges, run.input_tokens + run.output_tokens, run.cost_usd
            return _summed(figures) | ({"took": fmt.duration(took)} if run.kind != "session" else {})
        case "step":
            took_ms = _step_took(item.value)
            return _summed(item.figures) | ({"took": fmt.duration(took_ms)} if took_ms is not None else {})
        case "gate":
            took = item.value.get("duration_ms")
            return {"took": fmt.duration(took)} if isinstance(took, int | float) else {}
        case "attempt":
            return {"took": fmt.duration(item.value.latency_ms)}
        case _:
            return _of_exchange(item)


def _summed(figures: tuple[int, int, float] | None) -> dict[str, str]:
    if figures is None:
        return {}
    return {"exch": fmt.count(figures[0]), "tokens": fmt.count(figures[1]), "cost": fmt.money(figures[2])}


def _of_exchange(item: Node) -> dict[str, str]:
    exchange = item.exchange
    if exchange is None:
        return {}
    tokens = (exchange.input_tokens or 0) + (exchange.output_tokens or 0)
    return {
        "tokens": fmt.count(tokens),
        "cost": fmt.money(exchange.cost_usd),
        "took": fmt.duration(exchange.latency_ms),
    }


def _step_took(step: Step) -> float | None:
    return (step.ended_at - step.started_at) / 1000 if step.ended_at and step.started_at else None


def _run(item: Node) -> list[Piece]:
    run = item.run
    return [
        ("★ " if run.pinned else "", "mark"),
        ("↳ " if run.parent and "/" not in item.id else "", "faint"),
        (one_line(run.name or run.title or run.id, 300), "bold" if run.kind == "workflow" else ""),
        *((f"  {one_line(tag, 20)}", "second") for tag in run.tags[:3]),
        ("  ✎" if run.note else "", "mark"),
    ]


def _step(step: Step) -> list[Piece]:
    summary = step.detail.get("summary") if step.kind == "plan" else step.detail.get("gate")
    pieces: list[Piece] = [(one_line(step.name or step.kind, 120), "")]
    if error := step.detail.get("error"):
        return [*pieces, ("  " + one_line(str(error), 300), "bad")]
    return [*pieces, (f"  {one_line(str(summary), 300)}" if summary else "", "faint")]


def _gate(gate: dict[str, Any]) -> list[Piece]:
    name = one_line(str(gate.get("name") or gate.get("gate") or "gate"), 60)
    code = gate.get("exit_code")
    why = gate.get("reason") or (f"exit {code}" if code else "")
    return [(name, ""), (f"  {one_line(str(why), 200)}" if why else "", "bad")]


def _attempt(attempt: Attempt) -> list[Piece]:
    pieces: list[Piece] = [(one_line(attempt.deployment or "–", 60), "")]
    if attempt.error:
        return [*pieces, ("  " + one_line(attempt.error, 200), "bad")]
    return [*pieces, ("  " + one_line(attempt.reason, 200), "faint")]
