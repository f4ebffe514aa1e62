"""The commands of setting up: completion, config, service, auth, bootstrap, security-check."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from workbench.control.subscription.download import archive_name


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_prints_a_script(workbench, shell):
    """The script for a shell names our completion variable."""
    said = workbench("completion", shell)
    assert (said.code, said.err) == (0, "")
    assert "_WORKBENCH_COMPLETE" in said.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("workbench exch", "exchanges"),
        ("workbench router st", "status"),
        ("workbench exchanges list --li", "--limit"),
    ],
)
def test_completion_completes(words, expected, home_dir):
    """Nouns, their commands and their options are completed, as a shell asks for it."""
    environ = {
        **os.environ,
        "_WORKBENCH_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    argv = [sys.executable, "-c", "from workbench.cli.main import main; main()"]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert f"plain,{expected}" in done.stdout.splitlines()


def test_config_show_names_every_setting_and_no_key(workbench, home_dir):
    """Values, and what was changed; neither the master key nor a provider's key."""
    workbench("config", "show", "-q")
    (home_dir / "workbench.yaml").write_text("router: {port: 4123}\n")
    data = workbench("config", "show", "--json").json
    assert data["settings"]["router.port"] == 4123
    assert data["files"]["store"] == str(home_dir / "artifacts" / "workbench.db")
    said = workbench("config", "show").out
    (line,) = [line for line in said.splitlines() if line.startswith("router.port ")]
    assert line.split()[1:3] == ["4123", "workbench.yaml:1"]
    assert "sk-wb-" not in said


def test_the_environment_overrides_a_setting(workbench, home_dir, monkeypatch):
    """What is in force is shown, wherever it is from."""
    monkeypatch.setenv("WORKBENCH_PORT", "4567")
    assert workbench("config", "show", "--json").json["settings"]["router.port"] == 4567


def test_the_env_file_sets_settings_too(workbench, home_dir):
    """A variable in `.env` counts like one of the environment, for the router and for its clients."""
    workbench("config", "show", "-q")
    with (home_dir / ".env").open("a") as file:
        file.write("WORKBENCH_PORT=4568\n")
    assert workbench("config", "show", "--json").json["settings"]["router.port"] == 4568


def test_config_set_writes_one_setting_and_unset_takes_it_out(workbench, home_dir):
    """The value is checked, comments stay, and what counts is said with its place."""
    path = home_dir / "workbench.yaml"
    home_dir.mkdir(parents=True, exist_ok=True)
    path.write_text("# mine\nrouter:\n  port: 4100  # taken\n")
    assert "router.port: 4200 (workbench.yaml:3)" in workbench("config", "set", "router.port", "4200").err
    assert path.read_text() == "# mine\nrouter:\n  port: 4200  # taken\n"
    assert workbench("config", "show", "--json").json["origins"]["router.port"] == "workbench.yaml:3"
    wrong = workbench("config", "set", "router.port", "99999")
    assert (wrong.code, "65535" in wrong.err) == (2, True)
    unknown = workbench("config", "set", "router.prot", "1")
    assert (unknown.code, "router.port" in unknown.err) == (2, True)
    assert workbench("config", "unset", "router.port", "--json").json == {
        "name": "router.port",
        "value": 4000,
        "origin": "default",
    }
    assert path.read_text() == "# mine\n"


def test_config_migrate_moves_keys(workbench, home_dir):
    """A dry run says what would move; the real one moves it; no key is printed."""
    workbench("config", "show", "-q")
    config = home_dir / "infra" / "litellm" / "config.yaml"
    config.write_text(
        "model_list:\n  - model_name: a\n    litellm_params: {model: groq/x, api_key: plain-secret}\n"
    )
    planned = workbench("config", "migrate", "--dry-run", "--json").json
    assert planned == {
        "moves": [
            {
                "line": 3,
                "path": "model_list.litellm_params.api_key",
                "variable": "GROQ_API_KEY",
                "replaced": False,
            }
        ],
        "kept": None,
    }
    assert "plain-secret" in config.read_text()
    said = workbench("config", "migrate")
    assert "plain-secret" not in said.out + said.err + config.read_text()
    assert "GROQ_API_KEY=plain-secret" in (home_dir / ".env").read_text()
    assert "nothing to do" in workbench("config", "migrate").err


def test_service_install_print_changes_nothing(workbench, home_dir, monkeypatch, tmp_path):
    """`--print` shows the unit that would be installed."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    said = workbench("service", "install", "--print")
    assert said.code == 0
    assert str(home_dir) in said.out
    assert not (tmp_path / "config").exists()
    assert workbench("service", "status", "--json").json["installed"] is False


def test_security_check_fails_on_a_weak_key(workbench, home_dir):
    """Exit 1, the finding and its mend; a clean home is exit 0."""
    workbench("config", "show", "-q")
    assert workbench("security-check").code == 0
    (home_dir / ".env").write_text("LITELLM_MASTER_KEY=sk-1234\n")
    said = workbench("security-check")
    assert said.code == 1
    assert "publicly known" in said.out
    assert "mend: " in said.out
    assert said.err.strip() == "error: 1 fault"


def _jwt(**values):
    middle = base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()
    return f"e30.{middle}.sig"


def test_auth_codex_import_status_and_snippet(workbench, home_dir, tmp_path):
    """An account is taken over and shown; the snippet is a config entry with a reference, not a key."""
    source = tmp_path / "auth.json"
    identity = {"email": "me@example.org", "https://api.openai.com/auth": {"chatgpt_account_id": "a"}}
    tokens = {"id_token": _jwt(**identity), "access_token": _jwt(exp=1_800_000_000), "refresh_token": "r"}
    source.write_text(json.dumps({"tokens": tokens}))
    assert (
        workbench("auth", "codex", "import", "--from", str(source), "--json").json["email"]
        == "me@example.org"
    )
    status = workbench("auth", "status", "--json").json
    assert (status["accounts"], status["running"]) == (["codex-me@example.org.json"], False)
    entry = yaml.safe_load(workbench("auth", "snippet").out)["model_list"][0]
    assert entry["litellm_params"]["api_key"] == "os.environ/CLIPROXY_API_KEY"
    assert "CLIPROXY_API_KEY=sk-sub-" in (home_dir / ".env").read_text()


def test_auth_without_the_program_names_the_download(workbench):
    """Signing in needs the helper: exit 5 and the command that gets it."""
    said = workbench("auth", "copilot", "login")
    assert (said.code, "hint: workbench bootstrap download" in said.err) == (5, True)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_bootstrap_download_installs_what_is_verified(workbench, home_dir, tmp_path: Path):
    """From a release page on this machine; a changed archive is exit 1 and installs nothing."""
    folder = tmp_path / "releases" / "v9.9"
    folder.mkdir(parents=True)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("cli-proxy-api-plus")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"fine"))
    file = folder / archive_name("9.9")
    file.write_bytes(buffer.getvalue())
    (folder / "checksums.txt").write_text(f"{hashlib.sha256(buffer.getvalue()).hexdigest()}  {file.name}\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder.parent)))
    Thread(target=server.serve_forever, daemon=True).start()
    command = (
        "bootstrap",
        "download",
        "--release",
        "9.9",
        "--source",
        f"http://127.0.0.1:{server.server_port}",
    )
    installed = Path(workbench(*command, "--json").json["path"])
    assert installed.read_bytes() == b"fine"
    file.write_bytes(file.read_bytes() + b"changed")
    said = workbench(*command)
    server.shutdown()
    assert said.code == 1
    assert installed.read_bytes() == b"fine"
