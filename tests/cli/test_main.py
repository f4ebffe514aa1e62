"""The command line as a whole: nouns, global flags, errors, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import click
import pytest

from workbench import __version__
from workbench.cli import main
from workbench.domain.errors import ConfigError, LimitReached


def test_help_names_every_noun_of_the_contract(workbench):
    """`--help` lists each noun with its sentence, and shows examples."""
    said = workbench("--help")
    assert said.code == 0
    for noun, (_, _, sentence) in main.NOUNS.items():
        assert f"  {noun} " in said.out
        assert sentence.split()[0] in said.out
    assert "workbench exchanges list" in said.out


def test_version_is_data_on_stdout(workbench):
    """`--version` and `version` print the same line; `version --json` an object."""
    assert workbench("--version").out == workbench("version").out == f"workbench {__version__}\n"
    assert workbench("version", "--json").json["version"] == __version__


def test_global_flags_work_before_and_after_the_subcommand(workbench, home_dir, tmp_path):
    """`--json` and `--home` mean the same in every place; the later --home wins."""
    before = workbench("--json", "config", "show").json
    after = workbench("config", "show", "--json").json
    between = workbench("config", "--json", "show").json
    assert before == after == between
    other = tmp_path / "other"
    assert workbench("config", "show", "--home", str(other), "--path").out == f"{other}\n"


def test_unknown_command_names_the_nearest(workbench):
    """A typo is a usage error (2) that names the command meant."""
    said = workbench("exchange", "list")
    assert said.code == 2
    assert "did you mean `workbench exchanges`?" in said.err
    assert said.out == ""


def test_wrong_option_names_the_help(workbench):
    """A usage error ends with a hint that can be pasted."""
    said = workbench("router", "start", "--prot", "1")
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert "hint: workbench router start --help" in said.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("no", file="a.yaml", line=3, hint="mend it"), 2),
        (LimitReached("spent", hint="mend it"), 3),
    ],
)
def test_our_errors_have_their_exit_code_and_hint(workbench, monkeypatch, error, code):
    """An error of ours is `error:` and `hint:` on stderr and nothing on stdout."""

    @click.command()
    def broken():
        raise error

    monkeypatch.setitem(main.cli.commands, "version", broken)
    said = workbench("version")
    assert (said.code, said.out) == (code, "")
    assert said.err == f"error: {error.message}\nhint: mend it\n"


def test_text_in_errors_cannot_act_on_the_terminal(workbench, monkeypatch):
    """An error that quotes a server shows its escape sequences literally."""

    @click.command()
    def broken():
        raise ConfigError("said \x1b]0;owned\x07")

    monkeypatch.setitem(main.cli.commands, "version", broken)
    assert workbench("version").err == "error: said \\x1b]0;owned\\a\n"


def test_a_bug_ends_with_70_and_a_private_report(workbench, monkeypatch, home_dir):
    """What we did not foresee names a report file, readable by its owner only, without the arguments."""
    home_dir.mkdir()

    @click.command()
    @click.argument("secret")
    def broken(secret):
        raise ZeroDivisionError("oops")

    monkeypatch.setitem(main.cli.commands, "version", broken)
    said = workbench("version", "sk-very-secret")
    assert said.code == 70
    (report,) = (home_dir / "logs").glob("crash-*.txt")
    assert str(report) in said.err
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text()
    assert "ZeroDivisionError: oops" in text
    assert "sk-very-secret" not in text


def test_a_part_that_is_not_installed_is_said(workbench, monkeypatch):
    """A noun without its module gives a clear error, not a traceback."""
    monkeypatch.setitem(main.NOUNS, "bench", ("Work", "no_such_module:command", "Nothing."))
    main.cli.commands.pop("bench", None)
    said = workbench("bench")
    assert said.code == 1
    assert said.err == "error: `workbench bench` is not part of this version\n"


def test_a_reader_that_leaves_is_no_error(home_dir):
    """`workbench ... | head -1` ends quietly with 0."""
    script = textwrap.dedent(f"""
        set -o pipefail
        {sys.executable} -m workbench --home {home_dir} --quiet config show --json | head -1
    """)
    done = subprocess.run(["bash", "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")


def test_ctrl_c_ends_with_130(home_dir):
    """SIGINT ends a following command with 130 and one word, no traceback."""
    log = home_dir / "logs" / "router.log"
    log.parent.mkdir(parents=True)
    log.write_text("first line\n")
    argv = [sys.executable, "-m", "workbench", "--home", str(home_dir), "router", "logs", "-f"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "first line\n"
    with log.open("a") as file:
        file.write("second line\n")
    assert process.stdout.readline() == "second line\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "error: cancelled"
    assert "Traceback" not in err


def test_python_dash_m_is_the_same_program(home_dir):
    """`python -m workbench` works like the console script."""
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "--version"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, f"workbench {__version__}\n")


def test_a_terminal_without_utf8_gets_escapes(home_dir):
    """Text that the terminal can't show is escaped, never a crash."""
    argv = [sys.executable, "-m", "workbench", "--home", str(home_dir / "日記"), "config", "show", "--path"]
    environ = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env=environ)
    assert (done.returncode, done.stdout) == (0, f"{home_dir}/\\u65e5\\u8a18\n")


def test_a_home_that_does_not_exist_is_made_and_said(workbench, home_dir):
    """First use creates a home with working defaults and says so on stderr only."""
    said = workbench("config", "show", "--json")
    assert said.err == f"created a home in {home_dir}\n"
    assert Path(said.json["files"]["env"]).stat().st_mode & 0o777 == 0o600
    assert workbench("config", "show", "--json").err == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_is_said(workbench, tmp_path):
    """A read-only place is exit 5 with a hint for another one."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    said = workbench("config", "show", home=closed / "home")
    assert said.code == 5
    assert "can't be written" in said.err
    assert "--home DIR" in said.err
