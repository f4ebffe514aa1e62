"""What exchanges add up to over a span of time, by slice of it, model and tenant: one pass in SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from workbench.store.reader import Reader


class Used(msgspec.Struct, frozen=True):
    """Sums over the exchanges of one slice, model and tenant whose latency is about the same."""

    slot: int
    """Number of the slice, 0 for the one that begins at the span's beginning."""
    model: str
    tenant: str
    latency_ms: float | None
    """To two significant digits; None where none is known."""
    requests: int
    failed: int
    input_tokens: int
    output_tokens: int
    cost_usd: float


def usage(
    reader: Reader, from_us: int, to_us: int, slot_us: int, *, deadline_s: float | None = None
) -> Iterator[Used]:
    """Yield the sums of exchanges that began within a span (microseconds since 1970, the end not included).

    `slot_us` is the length of a slice. `seq` is the moment times 1024, so this is one range of the primary
    key. Latencies are rounded, so that percentiles can be told without reading every one. Raises
    StoreUnavailable, and QueryTimeout after `deadline_s` seconds.
    """
    with reader.connection(deadline_s) as connection:
        rows = connection.execute(
            "SELECT ((seq >> 10) - ?) / ?, model, tenant,"
            " printf('%.1e', latency_us) / 1000.0 * (latency_us IS NOT NULL OR NULL),"
            " count(*), sum(state = 'failed' OR coalesce(status, 0) >= 400),"
            " coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(cost_usd), 0.0)"
            " FROM exchanges WHERE seq >= ? AND seq < ? GROUP BY 1, 2, 3, 4",
            (from_us, slot_us, from_us << 10, to_us << 10),
        )
        for row in rows:
            yield Used(*row)
