"""How an exchange looks as one line: the columns that fit, the most telling first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from workbench.domain.exchange import Exchange
from workbench.domain.text import one_line
from workbench.tui import format as fmt
from workbench.tui.paint import Piece, fit

_APIS = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "text",
    "/v1/embeddings": "embed",
    "/v1/responses": "resp",
    "/v1/messages": "msgs",
    "/v1/messages/count_tokens": "count",
}


class Column(NamedTuple):
    """One column: its name, width in cells, the list's least width that shows it, and its cell."""

    name: str
    width: int
    least: int
    cell: Callable[[Exchange], Piece]
    right: bool = False


def api(endpoint: str) -> str:
    """Return the short name of an endpoint; at most 5 characters."""
    return _APIS.get(endpoint) or endpoint.rsplit("/", 1)[-1][:5]


def state(exchange: Exchange) -> Piece:
    """Return glyph and status: the glyph tells what the colour tells."""
    status = str(exchange.status) if exchange.status is not None else "···"
    if exchange.state == "running":
        return "◌ ···", "second"
    if exchange.state == "interrupted":
        return f"! {status}", "warn"
    if exchange.state == "failed" or (exchange.status or 0) >= 400:
        return f"✗ {status}", "bad"
    return f"✓ {status}", "ok"


def flags(exchange: Exchange) -> str:
    """Return what else there is to know, as glyphs: pinned, replay, cached, note, redacted, tools."""
    glyphs = (
        (exchange.pinned, "★"),
        (exchange.replay_of, "↻"),
        (exchange.cache == "hit", "≡"),
        (exchange.note, "✎"),
        (exchange.tools, "⚒"),
        (any(not place.startswith("header:") for place in exchange.redactions), "▒"),
        (exchange.attempts > 1, f"×{exchange.attempts}"),
    )
    return "".join(glyph for shown, glyph in glyphs if shown)


def _latency(exchange: Exchange) -> Piece:
    slow = (exchange.latency_ms or 0) > 10_000
    return fmt.duration(exchange.latency_ms), "warn" if slow else "dim"


_COLUMNS = (
    Column("time", 8, 0, lambda e: (fmt.stamp(e.started_at), "dim")),
    Column("status", 6, 0, state),
    Column("api", 5, 92, lambda e: (api(e.endpoint), "faint")),
    Column("in", 5, 56, lambda e: (fmt.count(e.input_tokens), "dim"), right=True),
    Column("out", 5, 56, lambda e: (fmt.count(e.output_tokens), "dim"), right=True),
    Column("cost", 8, 84, lambda e: (fmt.money(e.cost_usd), "dim"), right=True),
    Column("took", 7, 48, _latency, right=True),
    Column("first", 7, 104, lambda e: (fmt.duration(e.ttft_ms), "faint"), right=True),
)
_MORE = (
    Column("cached", 6, 0, lambda e: (fmt.count(e.cached_tokens), "dim"), right=True),
    Column("provider", 11, 0, lambda e: (one_line(e.provider or "–", 11), "dim")),
    Column("deployment", 20, 0, lambda e: (one_line(e.deployment or "–", 20), "dim")),
    Column("tenant", 10, 0, lambda e: (one_line(e.tenant, 10), "dim")),
    Column("client", 14, 0, lambda e: (one_line(e.client or "–", 14), "faint")),
)
"""Shown only where they are asked for."""
COLUMNS = tuple(column.name for column in (*_COLUMNS, *_MORE))
USUAL = tuple(column.name for column in _COLUMNS)
_MODEL_LEAST = 14


class ExchangeRow:
    """Draws exchanges; `about` maps ids to what was asked, where that is known."""

    def __init__(self) -> None:
        self.about: dict[str, str] = {}
        self.chosen: list[str] | None = None
        """Names of the columns that are wanted; None: the usual ones. The model and what was asked stay."""

    def head(self, width: int) -> list[Piece]:
        shown, model, rest = self._layout(width)
        pieces: list[Piece] = []
        for column in shown:
            pieces.append((fit(column.name, column.width, right=column.right) + " ", ""))
            if column.name == "status":
                pieces.append((fit("model", model) + " ", ""))
        return [*pieces, (fit("", 1) + fit("what", rest - 1), "")] if rest > 1 else pieces

    def row(self, item: Exchange, width: int) -> list[Piece]:
        shown, model, rest = self._layout(width)
        pieces: list[Piece] = []
        for column in shown:
            text, style = column.cell(item)
            pieces.append((fit(text, column.width, right=column.right) + " ", style))
            if column.name == "status":
                pieces.append((fit(one_line(item.model or "–", model * 2), model) + " ", "bold"))
        return [*pieces, *self._what(item, rest)]

    def _layout(self, width: int) -> tuple[list[Column], int, int]:
        """Return the columns shown, the model's width and what is left for words."""
        shown = [column for column in self._wanted() if width >= column.least]
        fixed = sum(column.width + 1 for column in shown)
        left = width - fixed - 1
        model = max(_MODEL_LEAST, min(24, left // 3 if left > 40 else left // 2))
        return shown, model, max(0, left - model)

    def _wanted(self) -> Iterator[Column]:
        for column in (*_COLUMNS, *_MORE):
            if column.name in (USUAL if self.chosen is None else (*self.chosen, "status")):
                yield column

    def _what(self, item: Exchange, width: int) -> list[Piece]:
        if width < 2:
            return []
        marks = flags(item)
        pieces: list[Piece] = [(f" {marks}", "mark")] if marks else []
        left = width - (len(marks) + 1 if marks else 0)
        pieces += [(f" {tag}", "second") for tag in (one_line(tag, 20) for tag in item.tags[:3])]
        if (item.error and (item.status or 0) >= 400) or item.state == "failed":
            return [*pieces, (" " + one_line(item.error or "failed", max(8, left * 2)), "bad")]
        words = item.name or self.about.get(item.id, "")
        return [*pieces, (" " + one_line(words, max(8, left * 2)), "faint" if not item.name else "")]
