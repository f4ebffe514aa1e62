"""Which folder is the home."""

from __future__ import annotations

from pathlib import Path

from workbench.settings.home import find_home


def test_the_home_is_the_flag_then_the_variable_then_the_nearest_parent(tmp_path: Path) -> None:
    """A folder below a home is in that home."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    config = tmp_path / "infra" / "litellm" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("model_list: []\n")
    assert find_home(None, {}, inner).root == tmp_path
    assert find_home(None, {"WORKBENCH_HOME": str(inner)}, inner).root == inner
    assert find_home(tmp_path / "x", {"WORKBENCH_HOME": str(inner)}, inner).root == tmp_path / "x"
