"""The cost of the day."""

from workbench.telemetry.day_cost import DayCost, day_start

NOON = 1_795_176_000_000_000
DAY = 86_400_000_000


def test_a_days_costs_add_up_to_what_was_spent_before():
    """A restart goes on from the store's sum."""
    cost = DayCost(NOON, 1.5)
    cost.add(NOON + 1, 0.25)
    assert cost.today(NOON + 2) == 1.75


def test_midnight_begins_at_nothing():
    """Whether something is spent after it or not."""
    cost = DayCost(NOON, 1.5)
    assert cost.today(day_start(NOON) + DAY - 1) == 1.5
    assert cost.today(day_start(NOON) + DAY) == 0.0
    cost.add(NOON + 2 * DAY, 0.5)
    assert cost.today(NOON + 2 * DAY) == 0.5
