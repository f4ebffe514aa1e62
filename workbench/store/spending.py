"""What exchanges cost since a moment, by who paid and who answered: budgets outlive a restart by this."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from workbench.store.reader import Reader


class Spent(msgspec.Struct, frozen=True):
    """Sums over the exchanges of one tenant at one deployment."""

    tenant: str
    provider: str | None
    deployment: str | None
    usd: float
    tokens: int


def spent_since(reader: Reader, since_us: int) -> list[Spent]:
    """Return the sums of exchanges that began at `since_us` (microseconds since 1970) or later.

    Answers from the cache and playbacks cost nothing. `seq` is the moment times 1024, so this is one range of
    the primary key. Raises StoreUnavailable.
    """
    with reader._readers.use() as connection:
        rows = connection.execute(
            "SELECT tenant, provider, deployment, coalesce(sum(cost_usd), 0),"
            " coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0)"
            " FROM exchanges WHERE seq >= ? AND cache != 'hit' AND provider IS NOT 'playback'"
            " GROUP BY tenant, provider, deployment",
            (since_us << 10,),
        )
        return [Spent(*row) for row in rows]
