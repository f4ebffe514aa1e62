"""docs/router.md says what the router knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.routing.builtin import GROUPS
from workbench.routing.config_schema import RouterSection, field_names
from workbench.routing.profiles import PROFILES
from workbench.routing.strategy import STRATEGIES

TEXT = (Path(__file__).parents[2] / "docs" / "router.md").read_text()


@pytest.mark.parametrize("name", [*field_names(RouterSection), *PROFILES, *GROUPS])
def test_every_setting_profile_and_built_in_group_is_explained(name: str) -> None:
    """A key that is honoured stands in the page."""
    assert f"`{name}`" in TEXT


def test_every_strategy_is_explained() -> None:
    """The second usage strategy by its ending."""
    assert [] == [name for name in STRATEGIES if f"`{name.removesuffix('-v2')}`" not in TEXT]
