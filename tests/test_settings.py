"""Settings: precedence, and errors that say where and what instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.domain.errors import ConfigError
from workbench.settings import (
    KEY_NAME,
    Home,
    describe,
    find_home,
    load_settings,
    merged_environment,
    parse_size,
    read_env,
    resolve_key,
    seconds,
)

GOOD_KEY = "sk-wb-" + "x" * 30


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an empty home."""
    return Home(tmp_path)


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


def test_placeholders_count_as_unset(home: Home) -> None:
    """A copied example file is no key."""
    home.env_file.write_text(f'A_KEY=CHANGE_ME\nB_KEY="<your key>"\nC_KEY={GOOD_KEY}\nexport D_KEY=d\n')
    assert read_env(home) == {"C_KEY": GOOD_KEY, "D_KEY": "d"}
    assert merged_environment(home, {"C_KEY": "CHANGE_ME", "E": "1"}) == {
        "C_KEY": GOOD_KEY,
        "D_KEY": "d",
        "E": "1",
    }


def test_the_master_key_is_config_then_environment_then_file(home: Home) -> None:
    """Router and clients resolve it alike."""
    home.env_file.write_text(f"{KEY_NAME}={GOOD_KEY}-file\n")
    assert resolve_key(home, f"{GOOD_KEY}-config", {KEY_NAME: f"{GOOD_KEY}-env"}) == f"{GOOD_KEY}-config"
    assert resolve_key(home, None, {KEY_NAME: f"{GOOD_KEY}-env"}) == f"{GOOD_KEY}-env"
    assert resolve_key(home, None, {}) == f"{GOOD_KEY}-file"


@pytest.mark.parametrize("key", ["sk-1234", "short-key", "SK-MASTER"])
def test_a_guessable_master_key_is_refused_with_the_mend(home: Home, key: str) -> None:
    """A key from a tutorial protects nothing."""
    with pytest.raises(ConfigError) as caught:
        resolve_key(home, key, {})
    assert "secrets.token_urlsafe" in (caught.value.hint or "")
    assert key not in str(caught.value)


def test_sizes_and_durations() -> None:
    """Decimal units by default, binary with an i."""
    assert (parse_size("5GB"), parse_size("2GiB"), parse_size("1.5 MB"), parse_size("12")) == (
        5_000_000_000,
        2_147_483_648,
        1_500_000,
        12,
    )
    assert seconds("10m") == 600
    with pytest.raises(ValueError, match="not a size"):
        parse_size("lots")
