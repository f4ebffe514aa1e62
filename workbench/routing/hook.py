"""The policy hook: a user's own Python function that may reorder the candidates of a request.

``router_settings.policy_hook: "my_rules:order"`` (a module) or ``"rules.py:order"`` (a file beside the
config). It is called as ``order(facts, candidates)`` with plain dicts and returns ids in the order to try,
or None to leave the order. It runs in a thread of its own; a broken or slow one is passed over and reported.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from workbench.domain.errors import ConfigError
from workbench.domain.text import one_line
from workbench.routing.prepare import Facts
from workbench.routing.strategy import Ranked

Order = Callable[[dict[str, Any], list[dict[str, Any]]], Any]
_PATH = "router_settings.policy_hook"
_REST_S = 30.0
"""How long a hook that was slow is left alone, so that its threads can end."""


_ANYTHING = (Exception, SystemExit, KeyboardInterrupt)
"""What a user's code may raise; the last two would end the event loop, and the router with it."""


class PolicyHook:
    """One hook, and what went wrong with it last."""

    def __init__(self, name: str, function: Order, timeout_s: float) -> None:
        self.name = name
        self.problem: str | None = None
        self.failures = 0
        self._function = function
        self._timeout_s = timeout_s
        self._rests_until = 0.0
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="policy-hook")

    async def order(self, facts: Facts, ranked: Sequence[Ranked], now: float) -> list[Ranked]:
        """Return the candidates in the hook's order; in their own where it fails. `now`: a clock reading."""
        if now < self._rests_until:
            return list(ranked)
        try:
            async with asyncio.timeout(self._timeout_s):
                ids = await self._call(msgspec.structs.asdict(facts), [_shown(entry) for entry in ranked])
            return self._sorted(ids, ranked)
        except TimeoutError:
            self._rests_until = now + _REST_S
            self._report(f"slower than {self._timeout_s:g} s")
        except _ANYTHING as error:
            self._report(f"{type(error).__name__}: {one_line(str(error))}")
        return list(ranked)

    def close(self) -> None:
        """Stop its threads when they end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _call(self, facts: dict[str, Any], candidates: list[dict[str, Any]]) -> Any:
        loop = asyncio.get_running_loop()
        given = await loop.run_in_executor(self._pool, self._function, facts, candidates)
        return await given if inspect.isawaitable(given) else given

    def _sorted(self, ids: Any, ranked: Sequence[Ranked]) -> list[Ranked]:
        if ids is None:
            return list(ranked)
        if not isinstance(ids, (list, tuple)) or not all(isinstance(name, str) for name in ids):
            raise TypeError("a list of deployment ids or None is needed")
        known = {entry.candidate.deployment.id: entry for entry in ranked}
        chosen = [known[name] for name in dict.fromkeys(ids) if name in known]
        if not chosen:
            raise ValueError("none of the ids it gave is a candidate")
        return [
            Ranked(entry.candidate, f"hook {self.name}: {place}") for place, entry in enumerate(chosen, 1)
        ]

    def _report(self, problem: str) -> None:
        self.problem = problem
        self.failures += 1


def _shown(entry: Ranked) -> dict[str, Any]:
    candidate, deployment = entry.candidate, entry.candidate.deployment
    figures = {key: value for key, value in msgspec.structs.asdict(candidate).items() if key != "deployment"}
    return {
        "id": deployment.id,
        "group": deployment.group,
        "provider": deployment.provider,
        "model": deployment.model,
        "order": deployment.order,
        "tags": list(deployment.tags),
        "reason": entry.reason,
        **figures,
    }


def load_hook(name: str, folder: Path, timeout_s: float) -> PolicyHook:
    """Return the hook that `name` means; files are looked for in `folder`. Raises ConfigError."""
    place, colon, function = name.partition(":")
    if not colon or not place or not function:
        raise ConfigError(f"{name!r} is not module:function", path=_PATH)
    try:
        module = _from_file(folder / place) if place.endswith(".py") else importlib.import_module(place)
        found = getattr(module, function)
    except _ANYTHING as error:
        raise ConfigError(f"{name!r} can't be loaded: {type(error).__name__}: {error}", path=_PATH) from None
    if not callable(found):
        raise ConfigError(f"{name!r} is no function", path=_PATH)
    return PolicyHook(name, found, timeout_s)


def _from_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"workbench_hook_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no module in {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
