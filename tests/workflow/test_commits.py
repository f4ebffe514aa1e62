"""The history of an app's folder, and what generated code plants for git to run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from workbench.workflow.commits import Commits


@pytest.fixture
async def app(tmp_path: Path) -> Path:
    """An app's folder with a history of one commit."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n")
    commits = Commits(folder)
    await commits.start()
    assert await commits.commit("template")
    return folder


def git(app: Path, *arguments: str) -> str:
    argv = ["git", "-c", "safe.directory=*", *arguments]
    return subprocess.run(argv, cwd=app, check=True, capture_output=True, text=True).stdout


async def test_only_named_paths_are_committed(app: Path) -> None:
    """A step's commit has its own files; nothing to commit gives no commit."""
    (app / "b.txt").write_text("b")
    (app / "c.txt").write_text("c")
    assert await Commits(app).commit("write b", "b.txt")
    assert git(app, "show", "--name-only", "--format=%s").split() == ["write", "b", "b.txt"]
    assert await Commits(app).commit("again", "b.txt") is None


async def test_what_builds_leave_is_not_committed(app: Path) -> None:
    """node_modules, caches and build folders stay out."""
    for name in ("node_modules/x/index.js", "__pycache__/a.pyc", ".next/cache/x", "dist/i.html", ".home/x"):
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text("x")
    assert await Commits(app).commit("nothing of ours") is None


async def test_set_back_keeps_what_it_takes_away(app: Path) -> None:
    """Changed and new files go; both are found under the ref."""
    (app / "a.txt").write_text("two\n")
    (app / "new.txt").write_text("new")
    assert await Commits(app).set_back()
    assert (app / "a.txt").read_text() == "one\n"
    assert not (app / "new.txt").exists()
    ref = git(app, "for-each-ref", "--format=%(refname)", "refs/workbench").strip()
    assert git(app, "show", f"{ref}:a.txt") == "two\n"
    assert git(app, "show", f"{ref}:new.txt") == "new"
    assert not await Commits(app).set_back()


async def test_nothing_planted_is_run(app: Path, tmp_path: Path) -> None:
    """Hooks, filters, diff drivers and a repository inside with a file-system monitor do not run outside."""
    template = git(app, "rev-parse", "HEAD").strip()
    mark = tmp_path / "planted"
    inner = app / "vendor"
    inner.mkdir()
    for folder in (app, inner):
        if folder is inner:
            git(inner, "init", "--quiet")
            (inner / "f").write_text("f")
            git(inner, "add", "f")
            who = ("-c", "user.name=x", "-c", "user.email=x@localhost")
            git(inner, *who, "commit", "--quiet", "--message", "inner")
            git(inner, "config", "core.fsmonitor", f"touch {mark} #")
            (inner / "f").write_text("changed")
        hook = folder / ".git" / "hooks" / "pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
        hook.chmod(0o755)
    (app / ".gitattributes").write_text("*.txt diff=evil filter=evil\n")
    (app / "a.txt").write_text("two\n")
    commits = Commits(app)
    assert await commits.commit("with plants")
    assert "+two" in await commits.changed_since(template)
    await commits.set_back()
    assert not mark.exists()


async def test_the_users_own_settings_do_not_count(
    app: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Signing, templates and names of the user's git are not used."""
    config = tmp_path / "gitconfig"
    config.write_text("[commit]\n\tgpgsign = true\n[user]\n\tname = Somebody\n\temail = some@body\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", os.devnull)
    (app / "a.txt").write_text("two\n")
    assert await Commits(app).commit("ours")
    monkeypatch.delenv("GIT_DIR")
    assert git(app, "log", "-1", "--format=%an") == "workbench\n"


async def test_a_fork_takes_history_up_to_a_step(app: Path, tmp_path: Path) -> None:
    """Only the commits asked for are in the new folder."""
    wanted = [git(app, "rev-parse", "HEAD").strip()]
    for name in ("b.txt", "c.txt", "d.txt"):
        (app / name).write_text(name)
        wanted.append(await Commits(app).commit(f"write {name}", name) or "")
    target = tmp_path / "fork"
    target.mkdir()
    await Commits(target).take_over(app, [wanted[0], wanted[3], wanted[1], None])
    assert sorted(path.name for path in target.iterdir() if path.name != ".git") == [
        "a.txt",
        "b.txt",
        "d.txt",
    ]
    assert git(target, "log", "--format=%s").split("\n")[:2] == ["write d.txt", "write b.txt"]


async def test_without_git_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git has no commits, and no errors."""
    monkeypatch.setenv("PATH", str(tmp_path))
    commits = Commits(tmp_path)
    assert not commits.available
    await commits.start()
    assert await commits.commit("x") is None
    assert not await commits.set_back()
