"""Settings: precedence, and errors that say where and what instead."""

from __future__ import annotations

import pytest

from workbench.domain.errors import ConfigError
from workbench.settings.home import Home
from workbench.settings.load import load_settings
from workbench.settings.sections import describe


def test_each_layer_overrides_the_one_below(home: Home) -> None:
    """Defaults < file < environment < flags."""
    assert load_settings(home, {}).router.port == 4000
    home.settings_file.write_text("router: {port: 4001}\n")
    assert load_settings(home, {}).router.port == 4001
    assert load_settings(home, {"WORKBENCH_PORT": "4002"}).router.port == 4002
    assert load_settings(home, {"WORKBENCH_PORT": "4002"}, {"router.port": 4003}).router.port == 4003


@pytest.mark.parametrize(
    ("text", "line", "words", "hint"),
    [
        ("router:\n  port: 1\n  prot: 3\n", 3, "router.prot: unknown setting 'prot'", "did you mean 'port'?"),
        ("\nrouters: {}\n", 2, "routers: unknown setting 'routers'", "did you mean 'router'?"),
        ("router:\n  port: x\n", 2, "router.port: Expected `int`", None),
        ("retention:\n  max_age: 3 days\n", 2, "retention.max_age: a duration is needed", None),
        ("retention:\n  max_size: big\n", 2, "retention.max_size: a size is needed", None),
        ("a: [", 1, "not YAML", None),
        ("- 1\n", 1, "a mapping of settings is needed", None),
    ],
)
def test_a_wrong_file_names_line_path_and_the_right_key(
    home: Home, text: str, line: int, words: str, hint: str | None
) -> None:
    """A typo costs seconds, not minutes."""
    home.settings_file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(home, {})
    assert f"{home.settings_file}:{line}: {words}" in str(caught.value)
    assert hint is None or caught.value.hint == hint


def test_a_wrong_variable_is_named(home: Home) -> None:
    """The error names the environment variable, not a file that is right."""
    with pytest.raises(ConfigError, match=r"WORKBENCH_PORT: router\.port"):
        load_settings(home, {"WORKBENCH_PORT": "none"})


def test_every_setting_has_a_sentence(home: Home) -> None:
    """`config show` and the settings screen can explain each."""
    described = list(describe(load_settings(home, {})))
    assert len(described) > 20
    assert [] == [setting.name for setting in described if len(setting.sentence) < 10]
