"""Which groups follow one that is exhausted. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.routing.config import Fallbacks
from workbench.routing.errors import RouteError
from workbench.routing.relay import AttemptFailed


def next_groups(
    fallbacks: Fallbacks, asked: str, error: RouteError | AttemptFailed, visited: Sequence[str]
) -> list[str]:
    """Return the groups to try next, those visited left out; empty when the error is the client's own."""
    names = _chain(fallbacks, asked, error)
    room = fallbacks.max_fallbacks - (len(visited) - 1)
    fresh = [name for name in dict.fromkeys(names) if name not in visited and name != asked]
    return fresh[: max(room, 0)]


def _chain(fallbacks: Fallbacks, asked: str, error: RouteError | AttemptFailed) -> Sequence[str]:
    if isinstance(error, AttemptFailed):
        failure = error.failure
        if failure.context_window:
            return _of(fallbacks.context_window, asked) or ()
        if failure.content_policy:
            return _of(fallbacks.content_policy, asked) or ()
        if failure.passes and failure.kind == "BadRequestError":
            return ()
    elif error.status < 429:
        return ()
    return _of(fallbacks.general, asked) or fallbacks.default


def _of(chains: Mapping[str, tuple[str, ...]], asked: str) -> tuple[str, ...] | None:
    """Exact name, then the name without its provider, then ``*``."""
    bare = asked.partition("/")[2]
    return chains.get(asked) or (chains.get(bare) if bare else None) or chains.get("*")
