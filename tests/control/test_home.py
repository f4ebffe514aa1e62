"""A home is made once, works at once, and is never overwritten."""

from __future__ import annotations

import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from workbench.control.home import ensure_home
from workbench.control.keys import master_key
from workbench.domain.errors import ConfigError, ToolUnavailable
from workbench.settings.home import Home
from workbench.settings.keys import read_env
from workbench.settings.load import load_settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("LITELLM_MASTER_KEY", raising=False)
    return Home(tmp_path / "deep" / "home")


def test_a_new_home_has_working_defaults(home):
    """Config and settings parse, the key is random and strong, `.env` is private, git ignores it."""
    created = ensure_home(home)
    assert set(created) == {home.config, home.settings_file, home.env_file, home.root / ".gitignore"}
    assert yaml.safe_load(home.config.read_text())["model_list"]
    assert load_settings(home, {}).router.port == 4000
    assert stat.S_IMODE(home.env_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700
    assert len(master_key(home, {})) > 40
    assert ".env" in (home.root / ".gitignore").read_text().split()


def test_the_second_time_nothing_is_touched(home):
    """An existing home is left byte for byte."""
    ensure_home(home)
    before = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}
    assert ensure_home(home) == []
    assert {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()} == before


def test_two_homes_have_different_keys(tmp_path, monkeypatch):
    """The key is drawn, not shipped."""
    monkeypatch.delenv("LITELLM_MASTER_KEY", raising=False)
    one, two = Home(tmp_path / "1"), Home(tmp_path / "2")
    ensure_home(one), ensure_home(two)
    assert master_key(one, {}) != master_key(two, {})


def test_many_first_uses_at_once_agree_on_one_key(home):
    """Eight starters see the same key afterwards, and no temporary file is left."""
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda _: ensure_home(home), range(8)))
    assert sum(home.env_file in paths for paths in created) == 1
    assert len({master_key(home, {}) for _ in range(8)}) == 1
    assert not list(home.root.rglob("*.tmp"))


def test_a_placeholder_key_is_replaced_in_place(home):
    """`CHANGE_ME` counts as unset; every other line of the file stays."""
    home.root.mkdir(parents=True)
    home.env_file.write_text("# mine\nexport LITELLM_MASTER_KEY=CHANGE_ME\nOPENAI_API_KEY=sk-mine\n")
    ensure_home(home)
    lines = home.env_file.read_text().splitlines()
    assert lines[0] == "# mine"
    assert lines[1].startswith("LITELLM_MASTER_KEY=sk-wb-")
    assert lines[2] == "OPENAI_API_KEY=sk-mine"
    assert stat.S_IMODE(home.env_file.stat().st_mode) == 0o600


def test_recordings_in_a_clone_become_private(home):
    """An artifacts folder that came with a clone is shut on first use, and left as it is later."""
    home.artifacts.mkdir(parents=True, mode=0o755)
    ensure_home(home)
    assert stat.S_IMODE(home.artifacts.stat().st_mode) == 0o700
    home.artifacts.chmod(0o750)
    ensure_home(home)
    assert stat.S_IMODE(home.artifacts.stat().st_mode) == 0o750


def test_a_key_set_elsewhere_is_respected(home, monkeypatch):
    """With a key in the config or the environment no other is written into an existing `.env`."""
    home.root.mkdir(parents=True)
    home.env_file.write_text("OPENAI_API_KEY=sk-mine\n")
    monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-from-the-environment")
    ensure_home(home)
    assert "LITELLM_MASTER_KEY" not in read_env(home)


def test_the_env_file_can_be_sourced_by_a_shell(home):
    """`. .env` in a POSIX shell gives the very key that the program reads."""
    ensure_home(home)
    script = 'set -a; . "$1"; printf %s "$LITELLM_MASTER_KEY"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(home.env_file)], check=False, capture_output=True, text=True
    )
    assert done.stdout == master_key(home, {})


def test_the_key_is_resolved_config_then_environment_then_file(home):
    """The router and its clients take the first of: config, environment, `.env`."""
    ensure_home(home)
    from_file = master_key(home, {})
    assert from_file == read_env(home)["LITELLM_MASTER_KEY"]
    environ = {"LITELLM_MASTER_KEY": "sk-environment-0123456789", "MINE": "sk-config-0123456789abc"}
    assert master_key(home, environ) == "sk-environment-0123456789"
    home.config.write_text("general_settings:\n  master_key: os.environ/MINE\n")
    assert master_key(home, environ) == "sk-config-0123456789abc"
    home.config.write_text("include: [more.yaml]\n")
    (home.config.parent / "more.yaml").write_text("general_settings: {master_key: sk-included-0123456789}\n")
    assert master_key(home, environ) == "sk-included-0123456789"


@pytest.mark.parametrize("weak", ["sk-1234", "sk-tiny", "anything"])
def test_a_known_or_short_key_is_refused_with_the_mend(home, weak):
    """Anybody's first guess is no key."""
    ensure_home(home)
    home.env_file.write_text(f"LITELLM_MASTER_KEY={weak}\n")
    with pytest.raises(ConfigError) as caught:
        master_key(home, {})
    assert "secrets.token_urlsafe" in (caught.value.hint or "")
    assert caught.value.file == str(home.env_file)
    assert weak not in caught.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_cannot_be_written_is_said(tmp_path):
    """No traceback, no half-made home."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(ToolUnavailable, match="can't be written"):
        ensure_home(Home(closed / "home"))


def test_a_file_in_the_way_is_said(tmp_path):
    """A home whose place is a file is an error that names it."""
    (tmp_path / "home").write_text("not a folder")
    with pytest.raises(ToolUnavailable, match=str(tmp_path / "home")):
        ensure_home(Home(tmp_path / "home"))
