"""Compare two exchanges: a verdict, why, and a diff. The verdicts' meanings are in `domain.verdict`."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import msgspec

from workbench.domain.verdict import Comparison, Verdict
from workbench.replay.fold import fold
from workbench.replay.readable import answer_text, tool_calls
from workbench.replay.recorded import Recorded
from workbench.replay.similarity import fold_space, similarity, unified

SIMILAR = 0.8
"""Least similarity of a ``similar`` replay."""
_SAME_VECTOR = 0.9999

Judged = tuple[Verdict, float, tuple[str, ...]]


def compare(original: Recorded, replay: Recorded) -> Comparison:
    """Return the verdict on `replay` with what led to it. Pure; up to a second for very long texts."""
    verdict, alike, reasons = _judge(original, replay)
    names = (original.exchange.id, replay.exchange.id)
    return Comparison(
        original=names[0],
        replay=names[1],
        verdict=verdict,
        similarity=round(alike, 4),
        reasons=reasons,
        diff="" if verdict == "same" else unified(answer_text(original), answer_text(replay), names=names),
        facts=_facts(original, replay),
    )


def same_answer(original: Recorded, replay: Recorded) -> bool:
    """Tell whether status and answer bytes are equal, but for ids, times and chunking."""
    if original.exchange.status != replay.exchange.status:
        return False
    if original.response == replay.response:
        return True
    left = fold(original.response, stream=original.exchange.stream)
    return left is not None and left == fold(replay.response, stream=replay.exchange.stream)


def _judge(original: Recorded, replay: Recorded) -> Judged:
    if original.ok and not replay.ok:
        return "failed", _alike(original, replay), (replay.problem or "no complete answer",)
    if original.ok != replay.ok:
        return "different", 0.0, (f"the original had no answer ({original.problem}), the replay has",)
    if same_answer(original, replay):
        return "same", 1.0, ()
    if not original.ok:
        return _judge_failures(original, replay)
    if _is_embeddings(original, replay):
        return _judge_vectors(original, replay)
    return _judge_answers(original, replay)


def _judge_failures(original: Recorded, replay: Recorded) -> Judged:
    alike = _alike(original, replay)
    reasons = (f"both failed: {original.problem}; {replay.problem}",)
    if original.exchange.status != replay.exchange.status:
        return "different", alike, reasons
    return ("equivalent" if alike == 1.0 else "different"), alike, reasons


def _judge_answers(original: Recorded, replay: Recorded) -> Judged:
    alike = _alike(original, replay)
    reasons = _differences(original, replay)
    if not reasons:
        return "equivalent", alike, ("only white space, usage or other figures differ",)
    if alike >= SIMILAR and original.answer.tools == replay.answer.tools:
        return "similar", alike, reasons
    return "different", alike, reasons


def _differences(original: Recorded, replay: Recorded) -> tuple[str, ...]:
    left, right = original.answer, replay.answer
    reasons = []
    if original.exchange.status != replay.exchange.status:
        reasons.append(f"status {original.exchange.status}, now {replay.exchange.status}")
    if left.finish_reason != right.finish_reason:
        reasons.append(f"finish reason {left.finish_reason}, now {right.finish_reason}")
    before, now = tool_calls(original), tool_calls(replay)
    if [name for name, _ in before] != [name for name, _ in now]:
        reasons.append(f"tool calls {_names(before)}, now {_names(now)}")
    elif before != now:
        reasons.append("arguments of tool calls differ")
    if fold_space(_words(original)) != fold_space(_words(replay)):
        reasons.append("text differs")
    return tuple(reasons)


def _words(recorded: Recorded) -> str:
    """Return the answer's words without tool calls; the whole body where there is neither."""
    if recorded.answer.messages:
        return "\n\n".join(message.text() for message in recorded.answer.messages)
    return answer_text(recorded)


def _names(calls: list[tuple[str, object]]) -> str:
    return ", ".join(name for name, _ in calls) or "none"


def _alike(original: Recorded, replay: Recorded) -> float:
    """Compare what was said and called; how a model reasoned on the way differs every time."""
    texts = (fold_space(answer_text(recorded, reasoning=False)) for recorded in (original, replay))
    return similarity(*texts)


def _is_embeddings(original: Recorded, replay: Recorded) -> bool:
    return bool(original.answer.embeddings and replay.answer.embeddings)


def _judge_vectors(original: Recorded, replay: Recorded) -> Judged:
    left, right = _vectors(original.response), _vectors(replay.response)
    if len(left) != len(right) or any(len(a) != len(b) for a, b in zip(left, right, strict=True)):
        return "different", 0.0, (f"{_shape(left)}, now {_shape(right)}",)
    cosines = [_cosine(a, b) for a, b in zip(left, right, strict=True)]
    worst = max(min(cosines, default=0.0), 0.0)
    reason = (f"least cosine similarity of the vectors: {worst:.6f}",)
    if worst >= _SAME_VECTOR:
        return "equivalent", worst, reason
    return ("similar" if worst >= SIMILAR else "different"), worst, reason


def _shape(vectors: list[list[float]]) -> str:
    return f"{len(vectors)} vectors of {len(vectors[0]) if vectors else 0}"


class _Vector(msgspec.Struct):
    embedding: list[float] | str
    """Numbers, or little-endian 32-bit floats in base64 where the client asked for them."""

    def numbers(self) -> list[float]:
        if isinstance(self.embedding, list):
            return self.embedding
        raw = base64.b64decode(self.embedding)
        return list(struct.unpack(f"<{len(raw) // 4}f", raw))


class _Vectors(msgspec.Struct):
    data: list[_Vector]


def _vectors(body: bytes) -> list[list[float]]:
    """Return the vectors of an embeddings answer; none where they can't be read."""
    try:
        return [item.numbers() for item in msgspec.json.decode(body, type=_Vectors).data]
    except (ValueError, struct.error):
        return []


def _cosine(left: list[float], right: list[float]) -> float:
    norms = math.hypot(*left) * math.hypot(*right)
    return sum(a * b for a, b in zip(left, right, strict=True)) / norms if norms else float(left == right)


def _facts(original: Recorded, replay: Recorded) -> dict[str, tuple[Any, Any]]:
    left, right = _figures(original), _figures(replay)
    return {name: (left[name], right[name]) for name in left}


def _figures(recorded: Recorded) -> dict[str, Any]:
    exchange, answer = recorded.exchange, recorded.answer
    return {
        "status": exchange.status,
        "state": exchange.state,
        "model": exchange.model,
        "deployment": exchange.deployment,
        "stream": exchange.stream,
        "finish_reason": answer.finish_reason,
        "tools": list(answer.tools),
        "input_tokens": _first(exchange.input_tokens, answer.usage.input_tokens),
        "output_tokens": _first(exchange.output_tokens, answer.usage.output_tokens),
        "cost_usd": exchange.cost_usd,
        "latency_ms": exchange.latency_ms,
        "ttft_ms": exchange.ttft_ms,
        "text_chars": len(_words(recorded)) if recorded.ok else 0,
    }


def _first(stored: int | None, told: int | None) -> int | None:
    return told if stored is None else stored
