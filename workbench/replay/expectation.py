"""What a suite expects of an answer, and which of it did not hold."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from workbench.domain.answer import Answer
from workbench.domain.verdict import Comparison, Verdict, meets
from workbench.replay.readable import answer_text
from workbench.replay.recorded import Recorded

Amount = Annotated[float, Meta(gt=0)]


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what a suite is written with: a key that is not known is an error."""


class Expectation(Strict, frozen=True):
    """What an answer must be. Every member that is given must hold."""

    verdict: Verdict | None = None
    """At least so close to the original; for cases that are exchanges."""
    status: int | None = None
    """Exactly this status; it may be an error."""
    contains: list[str] = []
    """Texts that stand in the answer, as written."""
    lacks: list[str] = []
    """Texts that do not."""
    matches: str | None = None
    """A regular expression that is found in the answer."""
    tools: list[str] | None = None
    """The tools called, in order."""
    finish_reason: str | None = None
    json: bool = False
    """The whole answer is one JSON document."""
    max_latency_ms: Amount | None = None
    max_output_tokens: Amount | None = None
    max_cost_usd: Amount | None = None


def faults(expect: Expectation, replay: Recorded, comparison: Comparison | None) -> list[str]:
    """Return a sentence for each expectation that does not hold. `comparison` is that with the original."""
    found = [*_status_faults(expect, replay), *_limit_faults(expect, replay)]
    if expect.verdict and (comparison is None or not meets(comparison.verdict, expect.verdict)):
        verdict = comparison.verdict if comparison else None
        found.append(f"verdict {verdict}, {expect.verdict} was expected")
    return found + _text_faults(expect, replay)


def _text_faults(expect: Expectation, replay: Recorded) -> list[str]:
    text = answer_text(replay, reasoning=False)
    found = [f"{part!r} is not in the answer" for part in expect.contains if part not in text]
    found += [f"{part!r} is in the answer" for part in expect.lacks if part in text]
    if expect.matches is not None and not re.search(expect.matches, text):
        found.append(f"nothing in the answer matches {expect.matches!r}")
    return found + _shape_faults(expect, replay.answer)


def _shape_faults(expect: Expectation, answer: Answer) -> list[str]:
    found = []
    if expect.tools is not None and list(answer.tools) != expect.tools:
        found.append(f"tools called: {', '.join(answer.tools) or 'none'}")
    if expect.finish_reason is not None and answer.finish_reason != expect.finish_reason:
        found.append(f"finish reason {answer.finish_reason}")
    if expect.json and not _is_json(answer.text):
        found.append("the answer is not one JSON document")
    return found


def _status_faults(expect: Expectation, replay: Recorded) -> list[str]:
    status = replay.exchange.status
    if expect.status is None:
        return [replay.problem] if replay.problem else []
    return [] if status == expect.status else [f"status {status}, {expect.status} was expected"]


def _limit_faults(expect: Expectation, replay: Recorded) -> list[str]:
    exchange = replay.exchange
    limits = (
        ("latency_ms", exchange.latency_ms, expect.max_latency_ms),
        ("output_tokens", exchange.output_tokens, expect.max_output_tokens),
        ("cost_usd", exchange.cost_usd, expect.max_cost_usd),
    )
    return [
        f"{name} {value} is more than {limit:g}"
        for name, value, limit in limits
        if limit is not None and (value or 0) > limit
    ]


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True
