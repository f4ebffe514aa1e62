"""Rate and concurrency limits of one deployment, as counts. Takes clock readings, never waits."""

from __future__ import annotations

import msgspec

from workbench.providers.provider import Deployment
from workbench.routing.rolling import Rolling

MINUTE = 60.0
DAY = 86_400.0


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Which limit is reached, and when it frees (seconds; inf: never for this request)."""

    name: str
    limit: float
    used: float
    frees_in_s: float

    def text(self) -> str:
        """Return ``rpm limit reached (60 of 60)``."""
        return f"{self.name} limit reached ({self.used:g} of {self.limit:g})"


class Limits:
    """What one deployment has taken on in the last minute and day, and how many requests it is at.

    Tokens are reserved by estimate when a request starts and corrected when its usage is known.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.in_flight = 0
        self.max_parallel = deployment.max_parallel
        self._requests = Rolling(MINUTE)
        self._tokens = Rolling(MINUTE)
        self._windows: list[tuple[str, int, Rolling, str]] = []
        for name, span, counts in (
            ("rpm", MINUTE, "requests"),
            ("tpm", MINUTE, "tokens"),
            ("itpm", MINUTE, "input"),
            ("otpm", MINUTE, "output"),
            ("rpd", DAY, "requests"),
            ("tpd", DAY, "tokens"),
        ):
            limit = getattr(deployment, name)
            if limit is not None:
                window = self._requests if name == "rpm" else self._tokens if name == "tpm" else Rolling(span)
                self._windows.append((name, limit, window, counts))

    def check(self, now: float, input_tokens: int) -> Refusal | None:
        """Return the limit that one more request would pass, the one that frees last first."""
        refusals = [
            Refusal(name=name, limit=limit, used=window.total(now), frees_in_s=wait)
            for name, limit, window, counts in self._windows
            if (wait := window.frees_in(now, self._need(counts, input_tokens), limit)) > 0
        ]
        if self.max_parallel is not None and self.in_flight >= self.max_parallel:
            full = Refusal(name="concurrency", limit=self.max_parallel, used=self.in_flight, frees_in_s=0.0)
            refusals.append(full)
        return max(refusals, key=lambda refusal: refusal.frees_in_s, default=None)

    def begin(self, now: float, input_tokens: int) -> None:
        """Take a request on."""
        self.in_flight += 1
        self._count(now, {"requests": 1, "tokens": input_tokens, "input": input_tokens, "output": 0})

    def end(self, now: float, estimated: int, input_tokens: int | None, output_tokens: int | None) -> None:
        """Let a request go; correct its estimate by what it really used, where that is known."""
        self.in_flight -= 1
        if input_tokens is None:
            return
        output = output_tokens or 0
        self._count(
            now,
            {
                "requests": 0,
                "tokens": input_tokens + output - estimated,
                "input": input_tokens - estimated,
                "output": output,
            },
        )

    def rpm_used(self, now: float) -> int:
        """Return the requests of the last minute."""
        return self._requests.total(now)

    def tpm_used(self, now: float) -> int:
        """Return the tokens of the last minute."""
        return self._tokens.total(now)

    def _need(self, counts: str, input_tokens: int) -> int:
        return {"requests": 1, "tokens": input_tokens, "input": input_tokens, "output": 1}[counts]

    def _count(self, now: float, amounts: dict[str, int]) -> None:
        if amounts["requests"]:
            self._requests.add(now, amounts["requests"])
        if amounts["tokens"]:
            self._tokens.add(now, amounts["tokens"])
        for _, _, window, counts in self._windows:
            if window is not self._requests and window is not self._tokens and amounts[counts]:
                window.add(now, amounts[counts])
