"""An answer's bytes without what differs by nature: ids, times, and where a stream was cut.

A folded answer is a mapping from a place in the answer to what stood there. Pieces of a stream that
continue each other (``delta``) are joined; anything else is the list of its distinct values, in order.
Nothing but ids and times is left out, so equal folds mean equal answers, unknown fields included.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from typing import Any

import msgspec

from workbench.domain.sse import DONE, Event, Parser

_BY_NATURE = re.compile(
    r"id|.*_id|created|.*_at|.*_time|.*_ms|request_id|system_fingerprint|obfuscation|sequence_number"
)
"""Keys whose values never repeat: ids, times, a stream's numbering and padding."""
_CALLERS_OWN = frozenset({"input", "arguments", "metadata", "parsed"})
"""Keys whose objects hold what the model or client chose, where ``id`` is a word like any other."""
_LABELS = frozenset({"type", "role", "name", "object", "status", "format", "finish_reason", "stop_reason"})
"""Strings in a delta that are said again and again, not pieces to be joined."""
_NUMBERING = ("index", "output_index", "content_index")

Place = tuple[Hashable, ...]
Fold = dict[Place, Any]


def fold(body: bytes, *, stream: bool) -> Fold | None:
    """Return the folded answer, or None when it is neither JSON nor a stream of JSON events."""
    if stream and body.lstrip()[:1] not in (b"{", b"["):
        return _fold_stream(body)
    try:
        return {(): _without_ids(msgspec.json.decode(body))}
    except msgspec.DecodeError:
        return None


def _fold_stream(body: bytes) -> Fold | None:
    parser = Parser()
    folded: Fold = {}
    try:
        for event in [*parser.feed(body), *parser.close()]:
            _fold_event(event, folded)
    except ValueError:  # msgspec.DecodeError is one
        return None
    return folded


def _fold_event(event: Event, folded: Fold) -> None:
    if event.data.strip() == DONE:
        folded[("done",)] = True
        return
    document = msgspec.json.decode(event.data)
    place: Place = (event.event,)
    if isinstance(document, dict):
        place += tuple(document.get(name) for name in _NUMBERING)
    for path, value in _leaves(document, ()):
        _add(folded, place + path, value)


def _add(folded: Fold, place: Place, value: Any) -> None:
    if isinstance(value, str) and _is_piece(place):
        folded[place] = folded.get(place, "") + value
        return
    seen = folded.setdefault(place, [])
    if value not in seen and not (value is None and "delta" in place):
        seen.append(value)


def _is_piece(place: Place) -> bool:
    """Tell whether strings at `place` continue each other; legacy completions have no delta but a text."""
    return ("delta" in place and place[-1] not in _LABELS) or place[-3::2] == ("choices", "text")


def _leaves(value: Any, path: Place) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _CALLERS_OWN and isinstance(inner, dict):
                yield (*path, name), inner
            elif not _BY_NATURE.fullmatch(name):
                yield from _leaves(inner, (*path, name))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _leaves(inner, (*path, _number(inner, position)))
    else:
        yield path, value


def _number(item: Any, position: int) -> int:
    index = item.get("index") if isinstance(item, dict) else None
    return index if isinstance(index, int) else position


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: inner if name in _CALLERS_OWN else _without_ids(inner)
            for name, inner in value.items()
            if name in _CALLERS_OWN or not _BY_NATURE.fullmatch(name)
        }
    return [_without_ids(item) for item in value] if isinstance(value, list) else value
