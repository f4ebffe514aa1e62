"""The result of comparing a replay with its original."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Verdict = Literal["same", "equivalent", "similar", "different", "failed"]
"""From closest to farthest.

same: status and answer bytes are equal, but for ids, times and chunking.
equivalent: same status, finish reason, tool calls (name and parsed arguments), and the same text once
white space is folded.
similar: both succeeded, the texts' similarity ratio is at least 0.8, and the tool names are the same.
different: both answered, unlike each other.
failed: the replay got no complete, successful answer where the original had one.
"""

ORDER: tuple[Verdict, ...] = ("same", "equivalent", "similar", "different", "failed")


def meets(verdict: Verdict, expected: Verdict) -> bool:
    """Tell whether `verdict` is at least as close as `expected`."""
    return ORDER.index(verdict) <= ORDER.index(expected)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict with what led to it."""

    original: str
    replay: str
    verdict: Verdict
    similarity: float
    """0 to 1 over the answers' texts."""
    reasons: tuple[str, ...] = ()
    diff: str = ""
    """Unified diff of the answers as readable text."""
    facts: dict[str, tuple[Any, Any]] = {}
    """Name of a figure (status, tokens, cost_usd, latency_ms, …) -> (original, replay)."""
