"""What a run may spend, asked before each call. A call that might break a cap is not made.

Tokens are bounded strictly: a call reserves its estimated input and its whole output cap before it starts,
so that parallel calls can't break the cap together. Money can only be known afterwards; the cap is checked
against what was spent plus what calls under way are expected to cost at the run's own price so far.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from workbench.domain.errors import LimitReached

MIN_OUTPUT = 256
"""A call with less room than this can't give a useful answer."""
_CHARS_PER_TOKEN = 3
"""Low on purpose: an estimate of the input must rather be too high."""


class Spent(msgspec.Struct, kw_only=True):
    """What a run used up so far; kept in its state, so that a resume goes on counting."""

    usd: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    wall_s: float = 0.0

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """Room set aside for one call under way."""

    tokens: int
    max_output: int


class Budget:
    """The caps of one run. None means no cap."""

    def __init__(
        self,
        *,
        usd: float | None,
        tokens: int | None,
        wall_s: float,
        spent: Spent,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._usd, self._tokens, self._wall_s = usd, tokens, wall_s
        self._clock, self._began, self._before_s = clock, clock(), spent.wall_s
        self._reserved = 0
        self.spent = spent

    def wall_left(self) -> float:
        """Return the seconds left of the run's time. Raises LimitReached when none are."""
        self.spent.wall_s = self._before_s + self._clock() - self._began
        left = self._wall_s - self.spent.wall_s
        if left <= 0:
            raise LimitReached(
                f"the run's time of {self._wall_s:g} s is used up", hint="raise workflow.max_wall"
            )
        return left

    def reserve(self, prompt_chars: int, max_output: int) -> Reservation:
        """Set room aside for a call and return its output cap, lowered when little is left.

        Raises LimitReached before anything is sent.
        """
        self.wall_left()
        estimate = prompt_chars // _CHARS_PER_TOKEN + 1
        if self._usd is not None and self._too_dear(self._usd, estimate + max_output):
            raise LimitReached(
                f"the budget of {self._usd:g} USD is reached ({self.spent.usd:.4f} spent)",
                hint="--budget USD",
            )
        if self._tokens is not None:
            room = self._tokens - self.spent.tokens - self._reserved - estimate
            if room < MIN_OUTPUT:
                raise LimitReached(
                    f"the budget of {self._tokens} tokens is reached ({self.spent.tokens} used)",
                    hint="--budget-tokens N",
                )
            max_output = min(max_output, room)
        self._reserved += estimate + max_output
        return Reservation(tokens=estimate + max_output, max_output=max_output)

    def settle(
        self, reservation: Reservation, *, input_tokens: int, output_tokens: int, usd: float | None
    ) -> None:
        """Give the room back and count what the call really used."""
        self._reserved -= reservation.tokens
        self.spent.calls += 1
        self.spent.input_tokens += input_tokens
        self.spent.output_tokens += output_tokens
        self.spent.usd += usd or 0.0

    def _too_dear(self, cap: float, tokens: int) -> bool:
        """Tell whether a call of `tokens` may break the cap; a cap of 0 lets free models go on."""
        if cap == 0:
            return self.spent.usd > 0
        return self.spent.usd + self._expected(tokens) >= cap

    def _expected(self, tokens: int) -> float:
        """Return the likely cost of calls under way and one of `tokens`, at the run's price so far."""
        if not self.spent.tokens:
            return 0.0
        price = self.spent.usd / self.spent.tokens
        # A call seldom fills its output cap; a quarter is still more than most use.
        return price * (self._reserved + tokens) / 4
