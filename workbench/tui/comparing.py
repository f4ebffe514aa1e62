"""What stands in a column of Replay & compare: an original or an answer, its figures, its text."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from workbench.domain.errors import WorkbenchError
from workbench.domain.exchange import Exchange
from workbench.domain.text import one_line
from workbench.domain.verdict import Comparison
from workbench.tui import exchange_row as row
from workbench.tui import format as fmt
from workbench.tui.diff_view import VERDICTS, beside
from workbench.tui.document import Lines
from workbench.tui.messages import Trouble
from workbench.tui.paint import Piece
from workbench.tui.resending import Sending

if TYPE_CHECKING:
    from workbench.replay.recorded import Recorded
    from workbench.replay.resend import Replayed
    from workbench.tui.source import Source
    from workbench.tui.widgets.columns import Head

_VERDICT_LIMIT = 200_000
"""Largest exchange that is compared only to say in a list how, in bytes."""


class Answer(msgspec.Struct, kw_only=True):
    """One answer to an original: waited for, come, or not to come."""

    job: Sending
    exchange: Exchange | None = None
    comparison: Comparison | None = None
    trouble: Trouble | None = None
    warnings: tuple[str, ...] = ()
    recorded: Recorded | None = None
    """The answer itself, where the router could not record it."""
    began_us: int = 0

    def take(self, replayed: Replayed) -> None:
        """Keep what came; bodies are read again from the store, since there may be many."""
        self.exchange, self.comparison = replayed.replay.exchange, replayed.comparison
        self.warnings = replayed.warnings
        self.recorded = None if replayed.exchange else replayed.replay

    @property
    def done(self) -> bool:
        """Whether nothing more comes."""
        return self.exchange is not None or self.trouble is not None

    @property
    def model(self) -> str:
        """The model that was asked."""
        asked = self.exchange.model if self.exchange is not None else self.job.model
        return one_line(asked or "the same model", 40)

    def sign(self) -> Piece:
        """Return how it went in one character."""
        if self.trouble is not None:
            return "✗", "bad"
        if self.exchange is None:
            return "◌", "second"
        if self.comparison is None:
            return "✓", "ok"
        return VERDICTS.get(self.comparison.verdict, ("?", "dim"))


def original_head(exchange: Exchange | None) -> Head:
    """Return the head over the original."""
    if exchange is None:
        return ((("◌ reading", "dim"),),)
    name = one_line(exchange.model or "–", 40)
    return ((f"● {name}", "bold"),), (("the original", "dim"),), figures(exchange)


def head(answer: Answer, now_us: int) -> Head:
    """Return the head over an answer."""
    sign, style = answer.sign()
    first: tuple[Piece, ...] = ((f"{sign} ", f"bold {style}"), (answer.model, "bold"))
    if answer.trouble is not None:
        return first, (("no answer", "bad"),), (("", ""),)
    if answer.exchange is None:
        waited = fmt.duration(max(0, now_us - answer.began_us) / 1000) if answer.began_us else ""
        return first, ((f"waiting {waited}".rstrip(), "second"),), (("", ""),)
    return first, _verdict(answer.comparison, style), figures(answer.exchange)


def _verdict(comparison: Comparison | None, style: str) -> tuple[Piece, ...]:
    if comparison is None:
        return (("nothing to compare with", "dim"),)
    why = "" if comparison.verdict in {"same", "equivalent"} else ", ".join(comparison.reasons)
    alike = f"  {comparison.similarity:.0%} alike"
    return (comparison.verdict, style), (alike, "dim"), (f"  {one_line(why, 200)}" if why else "", "faint")


def figures(exchange: Exchange) -> tuple[Piece, ...]:
    """Return status, latency, tokens, cost and first byte in one line, the most telling first."""
    tokens = f"{fmt.count(exchange.input_tokens)}→{fmt.count(exchange.output_tokens)}"
    first = f"  first {fmt.duration(exchange.ttft_ms)}" if exchange.ttft_ms is not None else ""
    parts = f"  {fmt.duration(exchange.latency_ms)}  {tokens}  {fmt.money(exchange.cost_usd)}{first}"
    return row.state(exchange), (parts, "dim")


def original_text(source: Source, exchange_id: str) -> tuple[Exchange, Lines]:
    """Read an original and what it answered. Blocks. Raises UnknownId."""
    from workbench.replay.readable import answer_text
    from workbench.replay.source import read_recorded

    recorded = read_recorded(source.reader(), exchange_id)
    lines = Lines()
    lines.add(answer_text(recorded) or "(empty)", "prose")
    return recorded.exchange, lines


def answer_lines(source: Source, answer: Answer) -> Lines:
    """Return an answer's text, its differences from the original marked. Blocks."""
    from workbench.replay.readable import answer_text
    from workbench.replay.source import read_recorded

    lines = Lines()
    for warning in answer.warnings:
        lines.add(f"! {warning}", "warn")
    if answer.trouble is not None:
        lines.add(answer.trouble.text, "bad")
        lines.add(answer.trouble.hint or "", "dim")
    elif answer.exchange is not None:
        reader = source.reader()
        recorded = answer.recorded or read_recorded(reader, answer.exchange.id)
        text = answer_text(recorded) or "(empty)"
        if recorded.ok:
            original = read_recorded(reader, answer.job.exchange)
            lines.lines += beside(answer_text(original), text).lines
        else:
            lines.add(text, "bad")
    return lines


def compared(source: Source, original_id: str, ids: list[str]) -> list[Answer]:
    """Compare recorded exchanges with an original, nothing sent. Blocks. Raises UnknownId."""
    from workbench.replay.compare import compare
    from workbench.replay.source import read_recorded

    reader = source.reader()
    original = read_recorded(reader, original_id)
    answers = []
    for exchange_id in ids:
        recorded = read_recorded(reader, exchange_id)
        job = Sending(original_id, recorded.exchange.model)
        answers.append(Answer(job=job, exchange=recorded.exchange, comparison=compare(original, recorded)))
    return answers


def verdicts(source: Source, replays: Sequence[Exchange]) -> dict[str, Piece]:
    """Return how each replay compares with its original, in a few words; nothing where one of them is gone,
    still runs or is too large to be read for a line. Blocks.
    """
    found: dict[str, Piece] = {}
    for replay in replays:
        found[replay.id] = ("", "")
        if replay.replay_of is None or replay.state == "running" or _size(replay) > _VERDICT_LIMIT:
            continue
        with contextlib.suppress(WorkbenchError):
            found[replay.id] = _in_words(source, replay.replay_of, replay.id)
    return found


def _in_words(source: Source, original_id: str, replay_id: str) -> Piece:
    from workbench.replay.compare import compare
    from workbench.replay.source import read_recorded

    reader = source.reader()
    if _size(reader.exchange(original_id)) > _VERDICT_LIMIT:
        return "", ""
    comparison = compare(read_recorded(reader, original_id), read_recorded(reader, replay_id))
    sign, style = VERDICTS.get(comparison.verdict, ("?", "dim"))
    return f"{sign} {comparison.verdict} {comparison.similarity:.0%}", style


def _size(exchange: Exchange) -> int:
    return exchange.request_bytes + exchange.response_bytes
