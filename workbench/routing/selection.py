"""Which deployment takes a request now, which can't, and how long until one can. No I/O, no clock."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import msgspec

from workbench.providers.provider import Deployment
from workbench.routing.limits import Refusal
from workbench.routing.prepare import Facts
from workbench.routing.standing import Standing

Place = tuple[Deployment, Standing]
"""A deployment, its upstream's name filled in, and how it stands."""


class Selection(msgspec.Struct, kw_only=True):
    """The deployments of a group, sorted by what can be done with them now."""

    open: list[Place] = []
    """May take the request; those not tried yet come alone while there are some."""
    untried: bool = False
    """Whether `open` holds deployments that this request has not been tried at."""
    limited: list[tuple[Deployment, Refusal]] = []
    cooling: list[tuple[Deployment, float]] = []
    """Breaker open, and the seconds until a probe may go."""
    disabled: list[Deployment] = []

    def wait_s(self) -> float:
        """Return the seconds until a limit or a breaker may let the request through; inf for never."""
        waits = [refusal.frees_in_s for _, refusal in self.limited] + [wait for _, wait in self.cooling]
        return min(waits, default=float("inf"))


def select(
    places: Sequence[Place],
    facts: Facts,
    now: float,
    wall_us: int,
    *,
    tried: Collection[str] = (),
    pre_call_checks: bool = False,
    tag_filtering: bool = False,
) -> Selection:
    """Sort a group's deployments for one request."""
    found = Selection()
    for deployment, standing in places:
        if not deployment.enabled:
            found.disabled.append(deployment)
        elif pre_call_checks and _too_long(deployment, facts):
            continue
        elif not standing.breaker.allows(now):
            # At least a moment: a probe that is under way may close it any time.
            found.cooling.append((deployment, max(standing.breaker.opens_in(now), 0.05)))
        elif refusal := _refusal(standing, facts, now, wall_us):
            found.limited.append((deployment, refusal))
        else:
            found.open.append((deployment, standing))
    if tag_filtering:
        found.open = _tagged(found.open, facts)
    fresh = [place for place in found.open if place[0].id not in tried] if tried else found.open
    found.untried = bool(fresh)
    found.open = fresh or found.open
    return found


def _refusal(standing: Standing, facts: Facts, now: float, wall_us: int) -> Refusal | None:
    for account in standing.accounts:
        if spent := account.refuses(wall_us, 0.0, 0):
            wait = account.resets_in(wall_us)
            return Refusal(
                name="budget", limit=spent[1], used=spent[2], frees_in_s=math.inf if wait is None else wait
            )
    refusal = standing.limits.check(now, facts.input_tokens)
    empty_until = standing.health.empty_until
    # Headers may lie about limits that do not apply: the only deployment of a group is tried all the same.
    if refusal is None and empty_until is not None and empty_until > now and not standing.alone:
        left = empty_until - now
        return Refusal(name="upstream", limit=0, used=0, frees_in_s=left)
    return refusal


def _too_long(deployment: Deployment, facts: Facts) -> bool:
    limit = deployment.max_input_tokens
    return limit is not None and facts.input_tokens > limit


def _tagged(places: list[Place], facts: Facts) -> list[Place]:
    """LiteLLM's rule: with tags those that share one, else those tagged ``default``, else the untagged."""
    if facts.tags:
        wanted = set(facts.tags)
        return [place for place in places if wanted & set(place[0].tags)]
    default = [place for place in places if "default" in place[0].tags]
    return default or [place for place in places if not place[0].tags] or places
