"""Keys leave the config for `.env`; everything else of the file stays."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from workbench.control.home import ensure_home
from workbench.control.keys import master_key
from workbench.control.migrate import migrate, plan_migration
from workbench.domain.errors import ConfigError
from workbench.settings.home import Home
from workbench.settings.keys import read_env

CONFIG = """\
# mine
model_list:
  - model_name: a   # first
    litellm_params: {model: openai/gpt, api_key: "plain-openai-key"}
  - model_name: b
    litellm_params:
      model: groq/llama
      api_key: plain-groq-key       # keep me
  - model_name: c
    litellm_params:
      api_key: 'another-openai-key'
      model: openai/other
  - model_name: d
    litellm_params: {model: openai/x, api_key: os.environ/OPENAI_API_KEY}
  - model_name: local
    litellm_params: {model: openai/local, api_base: "http://127.0.0.1:1/v1", api_key: none}
general_settings:
  master_key: sk-a-long-enough-master-key
"""

EXPECTED = (
    CONFIG.replace('"plain-openai-key"', "os.environ/OPENAI_API_KEY")
    .replace("plain-groq-key ", "os.environ/GROQ_API_KEY ")
    .replace("'another-openai-key'", "os.environ/OPENAI_API_KEY_2")
    .replace("sk-a-long-enough-master-key", "os.environ/LITELLM_MASTER_KEY")
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    ensure_home(made)
    made.config.write_text(CONFIG)
    return made


def test_keys_move_and_the_rest_of_the_file_stays(home):
    """Comments, quotes and order stay; each key has its variable; the old file is kept privately."""
    kept = migrate(home, plan_migration(home))
    assert home.config.read_text() == EXPECTED
    assert kept is not None
    assert kept.read_text() == CONFIG
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    values = read_env(home)
    assert values["OPENAI_API_KEY"] == "plain-openai-key"
    assert values["OPENAI_API_KEY_2"] == "another-openai-key"
    assert values["GROQ_API_KEY"] == "plain-groq-key"
    assert master_key(home, {}) == "sk-a-long-enough-master-key", "clients go on with the key in force"
    assert stat.S_IMODE(home.env_file.stat().st_mode) == 0o600


def test_the_second_time_there_is_nothing_to_do(home):
    """Migrating is done once."""
    migrate(home, plan_migration(home))
    assert plan_migration(home) == []
    assert migrate(home, []) is None


def test_a_weak_master_key_is_replaced(home):
    """A publicly known key is not carried over."""
    home.config.write_text("general_settings: {master_key: sk-1234}\n")
    (move,) = plan_migration(home)
    assert move.replaced is True
    migrate(home, [move])
    assert master_key(home, {}).startswith("sk-wb-")


def test_planning_changes_and_shows_nothing(home):
    """A plan leaves all files alone, and its text holds no key."""
    before = home.env_file.read_bytes()
    moves = plan_migration(home)
    assert (home.config.read_text(), home.env_file.read_bytes()) == (CONFIG, before)
    assert [(move.line, move.variable) for move in moves] == [
        (4, "OPENAI_API_KEY"),
        (8, "GROQ_API_KEY"),
        (11, "OPENAI_API_KEY_2"),
        (18, "LITELLM_MASTER_KEY"),
    ]
    assert "plain" not in f"{moves} {[move.to_json() for move in moves]}"


def test_odd_keys_are_read_back_by_shell_and_program(home):
    """A key with blanks and dollars survives `.env` for both."""
    odd = "a b$HOME#c"
    home.config.write_text(f'model_list: [{{litellm_params: {{model: openai/x, api_key: "{odd}"}}}}]\n')
    migrate(home, plan_migration(home))
    assert read_env(home)["OPENAI_API_KEY"] == odd
    script = 'set -a; . "$1"; printf %s "$OPENAI_API_KEY"'
    argv = ["sh", "-c", script, "sh", str(home.env_file)]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == odd


def test_a_broken_config_is_left_alone(home):
    """What is no YAML is said with its line."""
    home.config.write_text("a: 1\nmodel_list: [oops\n")
    with pytest.raises(ConfigError) as caught:
        plan_migration(home)
    assert (caught.value.file, caught.value.line) == (str(home.config), 3)
