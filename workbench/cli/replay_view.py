"""How `replay` prints its results: each as it comes, together at the end."""

from __future__ import annotations

from collections.abc import Sequence

import click

from workbench.cli.comparison import print_facts, print_lines, print_verdict, shown
from workbench.cli.context import Context
from workbench.cli.output import emit, say, style, table
from workbench.replay.marks import marked_lines
from workbench.replay.readable import answer_text
from workbench.replay.resend import Replayed


class ReplayPrinter:
    """Prints each result as it comes, and at the end what only makes sense together."""

    def __init__(self, state: Context, *, diff: bool) -> None:
        self.results: list[Replayed] = []
        self._state = state
        self._diff = diff
        self._color = state.colored
        self._warned: set[str] = set()

    def result(self, replayed: Replayed) -> None:
        """Take one result; warnings go to stderr whatever the format."""
        self.results.append(replayed.lean())
        for warning in replayed.warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self._state.note(f"warning: {warning}")
        if not self._state.json:
            self._print(replayed)

    def end(self) -> None:
        """Print the whole: JSON (also of a part, when the user ended it), or the table of several."""
        if not self.results:
            return  # an error is on its way to stderr
        if self._state.json:
            documents = [replayed.to_json() for replayed in self.results]
            emit(documents[0] if len(documents) == 1 and documents[0]["run"] is None else documents)
        elif len(self.results) > 1:
            say()
            _print_table(self.results, color=self._color)

    def _print(self, replayed: Replayed) -> None:
        name = replayed.exchange or "(not recorded)"
        model = f" on {replayed.model}" if replayed.model else ""
        click.echo(style(f"{name} replays {replayed.source}{model}", "head", color=self._color))
        if replayed.comparison is not None:
            print_verdict(replayed.comparison, color=self._color)
        elif replayed.problem:
            say(replayed.problem)
        if self._diff:
            self._print_detail(replayed)

    def _print_detail(self, replayed: Replayed) -> None:
        comparison, original = replayed.comparison, replayed.original
        if comparison is None or original is None:
            say(answer_text(replayed.replay))
            return
        print_facts(comparison.facts, color=self._color)
        if comparison.verdict != "same":
            lines = marked_lines(answer_text(original), answer_text(replayed.replay))
            print_lines(lines, color=self._color)


def _print_table(results: Sequence[Replayed], *, color: bool) -> None:
    rows = []
    for replayed in results:
        exchange, comparison = replayed.replay.exchange, replayed.comparison
        rows.append(
            (
                replayed.source,
                replayed.exchange,
                replayed.model,
                comparison.verdict if comparison else None,
                f"{comparison.similarity:.2f}" if comparison else None,
                exchange.status,
                exchange.input_tokens,
                exchange.output_tokens,
                shown(exchange.cost_usd),
                shown(exchange.latency_ms),
            )
        )
    columns = ("source", "replay", "model", "verdict", "alike", "status", "in", "out", "usd", "ms")
    table(columns, rows, right=columns[4:], color=color)
