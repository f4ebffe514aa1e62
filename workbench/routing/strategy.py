"""The order in which a group's deployments are tried. Values in, values out: no clock, no own chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from workbench.providers.provider import Deployment

STRATEGIES = (
    "simple-shuffle",
    "least-busy",
    "latency-based-routing",
    "cost-based-routing",
    "usage-based-routing",
    "usage-based-routing-v2",
    "provider-budget-routing",
)
Draw = Callable[[], float]
"""Gives numbers in [0, 1): chance, handed in."""


class Candidate(msgspec.Struct, kw_only=True):
    """A deployment that could take the request, and what is known about it now."""

    deployment: Deployment
    in_flight: int = 0
    latency_ms: float | None = None
    """Mean time to the first byte of its latest answers; None: none yet."""
    error_rate: float = 0.0
    rpm_used: int = 0
    tpm_used: int = 0
    cost: float | None = None
    """USD for the request's estimated tokens; None: no price known."""
    budget_left: float | None = None
    """Share of the provider's budget that is left, 0 to 1; None: no budget."""


class Ranked(msgspec.Struct, frozen=True):
    """A candidate in its place, and why it stands there."""

    candidate: Candidate
    reason: str


def rank(
    strategy: str, candidates: Sequence[Candidate], draw: Draw, args: Mapping[str, Any] | None = None
) -> list[Ranked]:
    """Return the candidates in the order to try them: lower `order` tiers first, then the strategy."""
    tiers: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        tiers.setdefault(candidate.deployment.order, []).append(candidate)
    ranker = _RANKERS[strategy]
    ranked: list[Ranked] = []
    for order in sorted(tiers):
        tier = tiers[order]
        label = f"{strategy}, order {order}" if len(tiers) > 1 else strategy
        chosen = ranker(tier, draw, args or {})
        ranked += [
            Ranked(candidate, f"{label}: {place} of {len(tier)} ({why})")
            for place, (candidate, why) in enumerate(chosen, 1)
        ]
    return ranked


_Chosen = list[tuple[Candidate, str]]


def _shuffle(tier: list[Candidate], draw: Draw, args: Mapping[str, Any]) -> _Chosen:
    """Weighted chance without replacement (Efraimidis and Spirakis 2006): weight, else rpm, else tpm."""
    del args
    name, weights = _weights(tier)
    keyed = []
    for candidate, weight in zip(tier, weights, strict=True):
        luck = draw()
        # Weight 0 is never drawn while another stands; it keeps its place at the end.
        keyed.append((luck ** (1 / weight) if weight > 0 else luck - 1, candidate, weight))
    keyed.sort(key=lambda item: -item[0])
    return [(candidate, f"{name} {weight:g}" if name else "even chance") for _, candidate, weight in keyed]


def _weights(tier: list[Candidate]) -> tuple[str, list[float]]:
    for name in ("weight", "rpm", "tpm"):
        given = [getattr(candidate.deployment, name) for candidate in tier]
        if any(value for value in given):
            return name, [float(value or 0) for value in given]
    return "", [1.0] * len(tier)


def _least_busy(tier: list[Candidate], draw: Draw, args: Mapping[str, Any]) -> _Chosen:
    del args
    keyed = sorted(
        ((candidate.in_flight, draw(), candidate) for candidate in tier), key=lambda item: item[:2]
    )
    return [(candidate, f"{busy} in flight") for busy, _, candidate in keyed]


def _latency(tier: list[Candidate], draw: Draw, args: Mapping[str, Any]) -> _Chosen:
    """Lowest latency; all within ``lowest_latency_buffer`` of the lowest share the traffic."""
    known = [candidate.latency_ms for candidate in tier if candidate.latency_ms is not None]
    bound = min(known, default=0.0) * (1 + float(args.get("lowest_latency_buffer", 0)))

    def key(candidate: Candidate) -> tuple[float, float]:
        # Not measured yet: tried first, else it would never be.
        if candidate.latency_ms is None:
            return -1.0, draw()
        return (0.0, draw()) if candidate.latency_ms <= bound else (candidate.latency_ms, 0.0)

    return [(candidate, _latency_text(candidate)) for candidate in sorted(tier, key=key)]


def _latency_text(candidate: Candidate) -> str:
    return "not measured yet" if candidate.latency_ms is None else f"{candidate.latency_ms:.0f} ms"


def _cost(tier: list[Candidate], draw: Draw, args: Mapping[str, Any]) -> _Chosen:
    del args
    far = float("inf")
    keyed = sorted(
        ((far if candidate.cost is None else candidate.cost, draw(), candidate) for candidate in tier),
        key=lambda item: item[:2],
    )
    return [
        (candidate, "no price known" if cost == far else f"about ${cost:.6f}") for cost, _, candidate in keyed
    ]


def _usage(tier: list[Candidate], draw: Draw, args: Mapping[str, Any]) -> _Chosen:
    """Lowest share of its tokens a minute used; without a limit, the fewest tokens."""
    del args

    def share(candidate: Candidate) -> float:
        limit = candidate.deployment.tpm
        return candidate.tpm_used / limit if limit else float(candidate.tpm_used)

    keyed = sorted(((share(candidate), draw(), candidate) for candidate in tier), key=lambda item: item[:2])
    return [(candidate, f"{candidate.tpm_used} tokens this minute") for _, _, candidate in keyed]


def _budget(tier: list[Candidate], draw: Draw, args: Mapping[str, Any]) -> _Chosen:
    """Chance among providers with budget left; the spent ones are last."""
    solvent = [candidate for candidate in tier if candidate.budget_left is None or candidate.budget_left > 0]
    spent = [candidate for candidate in tier if candidate not in solvent]
    chosen = _shuffle(solvent, draw, args) if solvent else []
    return chosen + [(candidate, "provider budget is spent") for candidate in spent]


_RANKERS: dict[str, Callable[[list[Candidate], Draw, Mapping[str, Any]], _Chosen]] = {
    "simple-shuffle": _shuffle,
    "least-busy": _least_busy,
    "latency-based-routing": _latency,
    "cost-based-routing": _cost,
    "usage-based-routing": _usage,
    "usage-based-routing-v2": _usage,
    "provider-budget-routing": _budget,
}
