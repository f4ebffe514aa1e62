"""`security-check` finds what gives keys away, and shows none."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path

import pytest

from workbench.control.home import ensure_home
from workbench.control.security_check import check_security
from workbench.settings.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    ensure_home(made)
    return made


def faults(home: Home) -> list[tuple[str, str]]:
    return [(check.name, check.detail) for check in check_security(home, {}) if check.status != "ok"]


def test_a_new_home_is_clean(home):
    """Nothing to mend in what first use makes."""
    assert faults(home) == []


@pytest.mark.parametrize("key", ["sk-1234", "sk-tiny"])
def test_weak_keys_are_found(home, key):
    """Publicly known and short keys."""
    home.env_file.write_text(f"LITELLM_MASTER_KEY={key}\n")
    assert [name for name, _ in faults(home)] == ["master key"]


def test_open_modes_are_found(home):
    """A readable .env, and recordings that others can reach."""
    home.env_file.chmod(0o640)
    home.root.chmod(0o755)
    home.artifacts.chmod(0o755)
    assert [name for name, _ in faults(home)] == ["file mode", "file mode"]
    home.root.chmod(0o700)
    assert len(faults(home)) == 1, "a private home shuts what is below it"


def test_an_exposed_host_and_missing_redaction_are_found(home):
    """Listening on all interfaces and recording secrets are warned about."""
    home.settings_file.write_text("router: {host: 0.0.0.0}\nrecording: {redact: false}\n")
    assert [name for name, _ in faults(home)] == ["exposure", "redaction"]


def test_secrets_in_configuration_and_repository_are_found_and_not_shown(home):
    """A key in config.yaml and in a file that git would add; placeholders and ignored files are not."""
    key = "sk-proj-" + secrets.token_hex(20)
    home.config.write_text(f"model_list: []\n# one\ngeneral_settings:\n  x: {key}\n")
    subprocess.run(["git", "init", "-q", str(home.root)], check=True)
    (home.root / "notes.txt").write_text(f"OPENAI_API_KEY={key}\nsk-CHANGE_ME_CHANGE_ME_CHANGE_ME\n")
    (home.root / "logs").mkdir()
    (home.root / "logs" / "x.log").write_text(key)
    found = faults(home)
    assert [detail.partition(": looks")[0] for _, detail in found] == [
        f"{home.config}:4",
        f"{home.root / 'notes.txt'}:1",
    ]
    assert key not in str(found)


def test_a_tracked_or_unignored_env_is_found(home):
    """`.env` in a repository must be ignored, and never be tracked."""
    subprocess.run(["git", "init", "-q", str(home.root)], check=True)
    assert faults(home) == []
    (home.root / ".gitignore").write_text("")
    assert [name for name, _ in faults(home)] == ["repository"]
    subprocess.run(["git", "-C", str(home.root), "add", "-f", ".env"], check=True)
    ((name, detail),) = faults(home)
    assert (name, "tracked" in detail) == ("repository", True)
