"""A git commit per step in the app's folder, so that every step can be looked at and gone back to.

Git is asked as a tool only: no hooks, no file-system monitor, none of the user's settings. In the sandbox
``.git`` is read-only, so generated code can't plant something that runs here.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

EXCLUDED = """\
node_modules/
.next/
dist/
build/
__pycache__/
*.py[cod]
*.egg-info/
.home/
.pytest_cache/
.mypy_cache/
.ruff_cache/
.coverage
.*.tmp
next-env.d.ts
*.tsbuildinfo
"""
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "commit.gpgsign=false",
    "gc.auto=0",
    "diff.ignoreSubmodules=all",
    "submodule.recurse=false",
    "protocol.allow=never",
    "protocol.file.allow=always",
    "user.name=workbench",
    "user.email=workbench@localhost",
    "safe.directory=*",
)
_SAFE = [part for setting in _SETTINGS for part in ("-c", setting)]


class Commits:
    """The history of one app's folder. Without git on the machine every method does nothing."""

    def __init__(self, app: Path) -> None:
        self._app = app
        self._git = shutil.which("git")
        self._lock = asyncio.Lock()

    @property
    def available(self) -> bool:
        """Git is installed."""
        return self._git is not None

    async def start(self) -> None:
        """Make the repository if there is none."""
        if self._git is None or (self._app / ".git").is_dir():
            return
        await self._run("init", "--quiet", "--initial-branch=main")
        (self._app / ".git" / "info").mkdir(exist_ok=True)
        (self._app / ".git" / "info" / "exclude").write_text(EXCLUDED)

    async def commit(self, message: str, *paths: str) -> str | None:
        """Commit `paths` (all, when none are named) and return the commit; None when nothing changed."""
        if self._git is None or not (self._app / ".git").is_dir():
            return None
        async with self._lock:
            await self._run("add", "--all", "--", *(paths or (".",)))
            code, _ = await self._run("commit", "--quiet", "--no-verify", "--message", message)
            if code != 0:
                return None
            _, out = await self._run("rev-parse", "HEAD")
            return out.strip() or None

    async def set_back(self) -> bool:
        """Bring the folder back to the last commit; what is lost by it is kept under a ref of its own.

        Returns whether anything differed.
        """
        if self._git is None or not (self._app / ".git").is_dir():
            return False
        async with self._lock:
            await self._run("add", "--all", "--", ".")
            _, stash = await self._run("stash", "create")
            if not stash.strip():
                return False
            await self._run("update-ref", f"refs/workbench/interrupted/{stash.strip()[:12]}", stash.strip())
            await self._run("reset", "--quiet", "--hard", "HEAD")
            return True

    async def changed_since(self, commit: str) -> str:
        """Return the unified diff of the folder against `commit`."""
        arguments = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all", commit, "--")
        return (await self._run("diff", *arguments))[1]

    async def take_over(self, other: Path, commits: list[str | None]) -> None:
        """Fill this new folder with another's history and files as of the latest of `commits`.

        Steps that ran at the same time commit in the order in which they ended; the latest is the one that
        has most of them behind it, what is not in it is picked on top.
        """
        if self._git is None:
            return
        await self.start()
        await self._run("fetch", "--quiet", str(other / ".git"), "main:refs/workbench/source")
        wanted = [commit for commit in commits if commit]
        _, out = await self._run("rev-list", "--topo-order", "--reverse", "refs/workbench/source")
        order = {commit: number for number, commit in enumerate(out.split())}
        kept = sorted((commit for commit in wanted if commit in order), key=order.__getitem__)
        if not kept:
            return
        # A step's commit holds only its own paths, so replaying the wanted ones in order gives the tree.
        await self._run("reset", "--quiet", "--hard", kept[0])
        for commit in kept[1:]:
            await self._run("cherry-pick", "--allow-empty", "--keep-redundant-commits", commit)

    async def _run(self, *args: str) -> tuple[int, str]:
        assert self._git is not None
        process = await asyncio.create_subprocess_exec(
            self._git,
            *_SAFE,
            f"--git-dir={self._app / '.git'}",
            f"--work-tree={self._app}",
            *args,
            cwd=self._app,
            env={
                "PATH": os.defpath,
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_NOSYSTEM": "1",
                "LC_ALL": "C",
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode(errors="replace")
