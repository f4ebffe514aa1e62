"""Keys: where they come from, and which are none."""

from __future__ import annotations

import pytest

from workbench.domain.errors import ConfigError
from workbench.settings.home import Home
from workbench.settings.keys import KEY_NAME, merged_environment, read_env, resolve_key

GOOD_KEY = "sk-wb-" + "x" * 30


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
