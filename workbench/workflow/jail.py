"""The second sandbox, for Linux without bubblewrap: namespaces by hand, and Landlock on top.

Run as a script, ``jail.py SPEC`` (JSON, see `namespaces`); standard library only, since it runs with
``python -I -S``. It builds what bubblewrap builds: a new root of a few read-only folders, the app writable,
no network, no capability, no other processes; then runs the command as a child of the namespace's init and
ends with its exit code. Every step must work: one that fails ends it with 125 and a line on stderr.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import platform
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any

FAILED = 125
_LIBC = ctypes.CDLL(None, use_errno=True)
_NAMESPACES = 0x20000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(platform.machine(), -1)
_MOUNT_SETATTR, _LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 442, 444, 445, 446
_READ = 1 | 4 | 8
"""Landlock: execute, read files, read folders."""
_BASE = Path("/sys")
"""Where the new root is built, in our own view only: a folder that is always there and never wanted."""
_DEVICES = ("null", "zero", "full", "random", "urandom")


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _mount(source: str, target: Path, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if text is None else text.encode() for text in (source, str(target), kind, data)]
    result = _LIBC.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])
    _checked(result, f"mount {target}")


def _enter_namespaces() -> None:
    user, group = os.getuid(), os.getgid()
    _checked(_LIBC.unshare(_NAMESPACES), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"1000 {user} 1")
    Path("/proc/self/gid_map").write_text(f"1000 {group} 1")


def _read_only(target: Path) -> None:
    attributes = struct.pack("QQQQ", 1 | _NOSUID | _NODEV, 0, 0, 0)
    path = ctypes.c_char_p(str(target).encode())
    result = _LIBC.syscall(_MOUNT_SETATTR, -100, path, 0x8000, ctypes.c_char_p(attributes), len(attributes))
    _checked(result, f"read-only {target}")


def _bind(root: Path, source: str, where: str, *, writable: bool = False) -> None:
    target = root / where.lstrip("/")
    if Path(source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(source, target, None, _BIND | _REC)
    if not writable:
        _read_only(target)


def _build_root(spec: dict[str, Any]) -> None:
    _mount("none", Path("/"), None, _REC | _PRIVATE)
    root = _BASE
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "size=16m,mode=755")
    for folder in spec["system"]:
        if Path(folder).is_symlink():
            (root / folder.lstrip("/")).symlink_to(Path(folder).readlink())
        elif Path(folder).exists():
            _bind(root, folder, folder)
    _devices(root)
    for name in ("proc", "tmp", "home"):
        (root / name).mkdir(exist_ok=True)
    _mount("proc", root / "proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    for name in ("tmp", "home"):
        _mount("tmpfs", root / name, "tmpfs", _NOSUID | _NODEV, f"size={spec['tmp_mb']}m,mode=1777")
    (root / "home" / "app").mkdir()
    for folder in spec["binds"]:
        _bind(root, folder, folder)
    if spec["shared"]:
        _bind(root, spec["shared"], spec["shared"], writable=True)
    _bind(root, spec["app"], spec["app_path"], writable=True)
    for source, where in spec["mounts"]:
        _bind(root, source, f"{spec['app_path']}/{where}")
    if (Path(spec["app"]) / ".git").is_dir():
        _bind(root, f"{spec['app']}/.git", f"{spec['app_path']}/.git")
    _pivot(root)


def _devices(root: Path) -> None:
    (root / "dev").mkdir()
    for name in _DEVICES:
        target = root / "dev" / name
        target.touch()
        _mount(f"/dev/{name}", target, None, _BIND)
    for name, to in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        (root / "dev" / name).symlink_to(f"/proc/self/fd{to}")
    (root / "dev" / "shm").mkdir()
    _mount("tmpfs", root / "dev" / "shm", "tmpfs", _NOSUID | _NODEV, "size=64m,mode=1777")


def _pivot(root: Path) -> None:
    """Make `root` the only file system there is."""
    (root / ".old").mkdir()
    paths = [ctypes.c_char_p(str(path).encode()) for path in (root, root / ".old")]
    _checked(_LIBC.syscall(_PIVOT_ROOT, *paths), "pivot_root")
    os.chdir("/")
    _checked(_LIBC.umount2(b"/.old", 2), "umount the old root")
    Path("/.old").rmdir()
    # Only the root itself: what is mounted below keeps its own mode.
    attributes = struct.pack("QQQQ", 1, 0, 0, 0)
    result = _LIBC.syscall(_MOUNT_SETATTR, -100, ctypes.c_char_p(b"/"), 0, ctypes.c_char_p(attributes), 32)
    _checked(result, "read-only /")


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))


def _limit_tasks(number: int) -> None:
    """Let this pid namespace have so many tasks; root is held to it, too.

    Before Linux 6.14 the same file was the whole machine's, so there it is not touched.
    """
    release = [int(part) for part in os.uname().release.replace("-", ".").split(".")[:2] if part.isdigit()]
    if release < [6, 14]:
        return
    with contextlib.suppress(OSError):
        Path("/proc/sys/kernel/pid_max").write_text(str(number))


def _drop_privileges() -> None:
    """No capability, none to be had, and no namespace in which there would be any."""
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        _checked(_LIBC.prctl(24, capability, 0, 0, 0), "drop a capability")
    _checked(_LIBC.prctl(47, 4, 0, 0, 0), "clear ambient capabilities")
    _checked(_LIBC.prctl(38, 1, 0, 0, 0), "no new privileges")
    _checked(_LIBC.capset(struct.pack("Ii", 0x20080522, 0), bytes(24)), "drop capabilities")


def _landlock(writable: list[str]) -> None:
    """Allow reading everywhere and writing below `writable`; a kernel without Landlock goes without."""
    version = _LIBC.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return
    handled = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    rules = ctypes.c_char_p(struct.pack("Q", handled))
    ruleset = _checked(_LIBC.syscall(_LANDLOCK_CREATE, rules, 8, 0), "landlock")
    for folder, access in [("/", _READ), *((folder, handled) for folder in writable)]:
        handle = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        rule = ctypes.c_char_p(struct.pack("=Qi", access, handle))
        _checked(_LIBC.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0), f"landlock {folder}")
        os.close(handle)
    _checked(_LIBC.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "landlock")
    os.close(ruleset)


def _init(spec: dict[str, Any]) -> int:
    """Be process 1 of the new namespaces: build the place, run the command, reap."""
    _LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)
    try:
        _build_root(spec)
        _loopback_up()
        _limit_tasks(spec["tasks"])
        _drop_privileges()
        shared = [spec["shared"]] if spec["shared"] else []
        _landlock([spec["app_path"], "/tmp", "/home", "/dev", "/proc", *shared])  # noqa: S108
        os.chdir(spec["app_path"])
    except OSError as error:
        os.write(2, f"sandbox: {error}\n".encode())
        return FAILED
    child = os.fork()
    if child == 0:
        os.setsid()
        try:
            os.execvpe(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606 - no shell is the point
        except OSError as error:
            os.write(2, f"{spec['argv'][0]}: {error.strerror}\n".encode())
            os._exit(127)
    while True:
        done, status = os.wait()
        if done == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def main(argument: str) -> int:
    """Run what the spec says; return its exit code."""
    _LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)
    spec = json.loads(argument)
    try:
        _enter_namespaces()
    except OSError as error:
        os.write(2, f"sandbox: {error}\n".encode())
        return FAILED
    child = os.fork()
    if child == 0:
        os._exit(_init(spec))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
