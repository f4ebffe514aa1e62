"""``workbench diff``: two exchanges side by side in one text."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from workbench.cli.comparison import print_diff, print_facts, print_verdict
from workbench.cli.context import Context, pass_context
from workbench.cli.exchanges import find
from workbench.cli.output import emit, say, style
from workbench.domain.errors import CheckFailed
from workbench.domain.verdict import ORDER, Comparison, Verdict, meets
from workbench.replay.compare import compare
from workbench.replay.readable import answer_text, request_text
from workbench.replay.recorded import Recorded
from workbench.replay.similarity import unified
from workbench.replay.source import read_recorded

Part = tuple[str, str, str]
EXAMPLES = """\
\b
Examples:
  workbench diff ex_01k9 ex_01kb
  workbench diff ex_01k9 ex_01kb --expect equivalent
"""


@click.command("diff", epilog=EXAMPLES)
@click.argument("first", metavar="EXCHANGE")
@click.argument("second", metavar="EXCHANGE")
@click.option("--request", "only", flag_value="request", help="Compare the requests only.")
@click.option("--answer", "only", flag_value="answer", help="Compare the answers only.")
@click.option("--expect", type=click.Choice(ORDER[:3]), help="Exit 1 when the verdict is farther than this.")
@pass_context
def command(state: Context, first: str, second: str, only: str | None, expect: Verdict | None) -> None:
    """Compare two exchanges: what was asked, what came back, and the figures."""
    with state.reader() as reader:
        original, other = (read_recorded(reader, find(reader, given).id) for given in (first, second))
    comparison = compare(original, other)
    if state.json:
        emit(_document(comparison, original, other))
    else:
        _print(comparison, _parts(original, other, only), only, color=state.colored)
    if expect and not meets(comparison.verdict, expect):
        raise CheckFailed(f"the verdict is {comparison.verdict}, {expect} was expected")


def _document(comparison: Comparison, original: Recorded, other: Recorded) -> dict[str, Any]:
    names = (comparison.original, comparison.replay)
    asked = unified(request_text(original), request_text(other), names=names)
    return {**msgspec.to_builtins(comparison), "request_diff": asked}


def _parts(original: Recorded, other: Recorded, only: str | None) -> list[Part]:
    parts = []
    if only != "answer":
        parts.append(("request", request_text(original), request_text(other)))
    if only != "request":
        parts.append(("answer", answer_text(original), answer_text(other)))
    return parts


def _print(comparison: Comparison, parts: list[Part], only: str | None, *, color: bool) -> None:
    say(f"--- {comparison.original}")
    say(f"+++ {comparison.replay}")
    if only is None:
        print_verdict(comparison, color=color)
        print_facts(comparison.facts, color=color)
    for name, left, right in parts:
        same = left == right
        click.echo(style(f"\n{name}{': the same' if same else ''}", "head", color=color))
        if not same:
            print_diff(left, right, color=color)
