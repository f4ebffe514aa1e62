"""Where generated code runs: bubblewrap, else namespaces by hand (`namespaces`), else nowhere.

Only the built-in demo's own code may then run in a clean process, and what a person insists on.

Inside bubblewrap there is no network, no home, no environment of ours, no capability, and no file but the
system's, the toolchain's (read-only) and the app's own. The traps behind each argument are in
``docs/workflow.md``: bwrap itself starts with an empty environment because ``--clearenv`` leaves the
launcher's readable in ``/proc/1/environ``; a user namespace with all capabilities dropped because root
would otherwise keep them; no address-space limit because Node reserves 16 GB.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from workbench.domain.errors import ToolUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
_TMP = "/tmp"  # noqa: S108 - the sandbox's own
TMP_MB = 512
TASKS = 2048
"""Hard limit on processes and threads in a sandbox; the watcher's own cap on processes is far lower."""
_FILE_MB = 1024
_LIMITS = f"ulimit -c 0; ulimit -f {_FILE_MB * 2048}; ulimit -n 4096; ulimit -p {TASKS} || ulimit -u {TASKS}"
_ULIMITS = f'{{ {_LIMITS}; }} 2>/dev/null; exec "$@"'
"""Core files, size of a file (in blocks of 512 bytes), open files, tasks (``-p`` in dash, else ``-u``).

The kernel does not hold root to a number of tasks; processes and memory are watched besides."""

_NAMESPACES = (
    "--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-net --unshare-cgroup-try "
    "--uid 1000 --gid 1000 --cap-drop ALL --disable-userns --die-with-parent --new-session"
)


class Toolbox(msgspec.Struct, frozen=True, kw_only=True):
    """What a toolchain brings into the sandbox, all of it read-only."""

    binds: tuple[Path, ...] = ()
    """Folders that appear under their own path."""
    mounts: tuple[tuple[Path, str], ...] = ()
    """Folder of the module store -> where it appears, relative to the app."""
    seeds: tuple[tuple[Path, str], ...] = ()
    """Build caches -> where an app gets its own copy, relative to the app."""
    path: tuple[str, ...] = ()
    """Entries of PATH, before the system's."""
    env: dict[str, str] = {}


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """A command ready for `process.run`."""

    argv: list[str]
    env: dict[str, str]
    cwd: Path


class Backend(Protocol):
    """One way to keep a program in its place."""

    name: str
    isolated: bool
    """False: no barrier at all, only order."""
    app_path: str
    """The app's folder as the program sees it; empty: its real path."""

    def wrap(
        self,
        argv: Sequence[str],
        *,
        app: Path,
        tools: Toolbox,
        env: Mapping[str, str],
        shared: Path | None = None,
    ) -> Launch:
        """Return the command that runs `argv` in the app's folder.

        `shared` is a folder both sides may write, for sockets, under its own path.
        """
        ...


class Bubblewrap:
    """Namespaces by ``bwrap``."""

    name = "bubblewrap"
    isolated = True
    app_path = "/app"

    def __init__(self, program: str) -> None:
        self._program = program

    def wrap(
        self,
        argv: Sequence[str],
        *,
        app: Path,
        tools: Toolbox,
        env: Mapping[str, str],
        shared: Path | None = None,
    ) -> Launch:
        """Return the bwrap command; mount points below the app are created."""
        args = [self._program, *_NAMESPACES.split(), *_system_binds(), "--proc", "/proc", "--dev", "/dev"]
        args += [
            "--size",
            str(TMP_MB << 20),
            "--tmpfs",
            _TMP,
            "--size",
            str(TMP_MB << 20),
            "--tmpfs",
            "/home",
            "--dir",
            "/home/app",
        ]
        for folder in tools.binds:
            args += ["--ro-bind", str(folder), str(folder)]
        if shared is not None:
            args += ["--bind", str(shared), str(shared)]
        args += ["--bind", str(app), self.app_path]
        for source, where in tools.mounts:
            (app / where).mkdir(parents=True, exist_ok=True)
            args += ["--ro-bind", str(source), f"{self.app_path}/{where}"]
        args += ["--ro-bind-try", str(app / ".git"), f"{self.app_path}/.git"]
        args += ["--remount-ro", "/", "--chdir", self.app_path, "--clearenv"]
        for name, value in environment(tools, env, home="/home/app", app=self.app_path).items():
            args += ["--setenv", name, value]
        return Launch(argv=[*args, "--", *limited(argv)], env={}, cwd=app)


class CleanProcess:
    """No barrier: a clean environment, an own session, orphans adopted and killed. For trusted code only."""

    name = "none (clean process)"
    isolated = False
    app_path = ""

    def wrap(
        self,
        argv: Sequence[str],
        *,
        app: Path,
        tools: Toolbox,
        env: Mapping[str, str],
        shared: Path | None = None,  # noqa: ARG002 - the same file system is seen anyway
    ) -> Launch:
        """Return the command; store folders are linked into the app, file by file."""
        for source, where in tools.mounts:
            link_tree(source, app / where)
        home = app / ".home"
        home.mkdir(exist_ok=True)
        launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))]
        clean = environment(tools, env, home=str(home), app=str(app))
        return Launch(argv=[*launcher, *limited(argv)], env=clean, cwd=app)


def choose(*, trusted: bool, unsafe: bool = False) -> Backend:
    """Return the strongest backend that works here.

    `trusted` is code of the built-in demo. Raises ToolUnavailable (exit 5) when only no barrier is left for
    code of a real model and `unsafe` was not asked for.
    """
    from workbench.workflow import namespaces

    program = shutil.which("bwrap")
    problem = _bwrap_problem(program) if program else "bubblewrap (bwrap) is not installed"
    if unsafe:
        return CleanProcess()
    if program and not problem:
        return Bubblewrap(program)
    by_hand = namespaces.problem()
    if not by_hand:
        return namespaces.Namespaces()
    if trusted:
        return CleanProcess()
    raise ToolUnavailable(
        f"no sandbox for a real model's code: {problem}; {by_hand}",
        hint="apt install bubblewrap   # or --unsafe-no-sandbox to run its code as yourself",
    )


@functools.cache
def _bwrap_problem(program: str) -> str:
    """Return why `program` can't be used, or an empty text. A real start is the only honest probe."""
    argv = [program, *_NAMESPACES.split(), *_system_binds(), "--proc", "/proc", "--dev", "/dev", "/bin/true"]
    try:
        probe = subprocess.run(argv, env={}, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap does not start: {error}"
    return "" if probe.returncode == 0 else f"bwrap fails: {probe.stderr.decode(errors='replace').strip()}"


def _system_binds() -> list[str]:
    args = ["--ro-bind", "/usr", "/usr"]
    for folder in ("/bin", "/lib", "/lib32", "/lib64", "/sbin"):
        path = Path(folder)
        if path.is_symlink():
            args += ["--symlink", str(path.readlink()), folder]
        elif path.is_dir():
            args += ["--ro-bind", folder, folder]
    for name in ("/etc/ld.so.cache", "/etc/alternatives"):
        args += ["--ro-bind-try", name, name]
    return args


def environment(tools: Toolbox, env: Mapping[str, str], *, home: str, app: str) -> dict[str, str]:
    """Return the whole environment of a command: nothing of ours is handed on."""
    path = ":".join([*(entry.replace("{app}", app) for entry in tools.path), *SYSTEM_PATH])
    base = {"PATH": path, "HOME": home, "LANG": "C.UTF-8", "CI": "1", "NO_COLOR": "1", "TMPDIR": _TMP}
    return {**base, **tools.env, **env}


def limited(argv: Sequence[str]) -> list[str]:
    """Return the command behind the limits that a shell can set."""
    return ["/bin/sh", "-c", _ULIMITS, "sh", *argv]


def link_tree(source: Path, target: Path) -> None:
    """Make `target` a copy of `source` by hard links; nothing happens when it is there already."""
    if target.is_dir() and any(target.iterdir()):
        return
    shutil.copytree(source, target, symlinks=True, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, target: str) -> None:
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
