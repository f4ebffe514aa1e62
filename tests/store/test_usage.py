"""Sums over a span are those of its exchanges, and of no others."""

from __future__ import annotations

import pytest

from tests.tui.builders import START_US, Recorded
from workbench.domain.errors import QueryTimeout
from workbench.settings.home import Home
from workbench.store.store import Reader
from workbench.store.usage import usage

SECOND = 1_000_000


@pytest.fixture
def recorded(tmp_path):
    """A store to put exchanges in."""
    made = Recorded(Home(tmp_path))
    yield made
    made.close()


def summed(recorded, from_s, to_s, slot_s=1, **options):
    with Reader.open(recorded.home.store) as reader:
        return list(
            usage(reader, START_US + from_s * SECOND, START_US + to_s * SECOND, slot_s * SECOND, **options)
        )


def test_exchanges_are_added_up_by_slice_model_tenant_and_rounded_latency(recorded):
    """Latencies that agree to two digits are one row; what is not known counts as nothing."""
    recorded.chat("q", "a", model="one", latency_ms=101.0, input_tokens=5, output_tokens=2, cost_usd=0.5)
    recorded.chat(
        "q", "a", model="one", latency_ms=104.0, input_tokens=None, output_tokens=None, cost_usd=None
    )
    recorded.chat("q", "a", model="one", tenant="them", latency_ms=None, status=500)
    (first, second) = sorted(summed(recorded, 0, 10, slot_s=10), key=lambda row: row.tenant)
    assert (first.slot, first.model, first.tenant, first.latency_ms) == (0, "one", "default", 100.0)
    assert (first.requests, first.failed, first.input_tokens, first.output_tokens) == (2, 0, 5, 2)
    assert first.cost_usd == 0.5
    assert (second.tenant, second.latency_ms, second.failed) == ("them", None, 1)


def test_the_span_begins_with_its_first_moment_and_ends_before_its_last(recorded):
    """Two spans side by side hold every exchange once."""
    for _ in range(4):
        recorded.chat("q", "a")  # at 1, 2, 3 and 4 seconds
    assert [row.slot for row in summed(recorded, 1, 3)] == [0, 1]
    assert [row.slot for row in summed(recorded, 3, 5)] == [0, 1]
    assert summed(recorded, 5, 9) == []


def test_a_deadline_ends_it(recorded):
    """A screen does not wait for ever."""
    for _ in range(300):
        recorded.chat("q", "a")
    with pytest.raises(QueryTimeout):
        summed(recorded, 0, 1000, deadline_s=0.0)
