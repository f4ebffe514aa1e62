"""Checks of this machine and home. Each says what it found and, where it matters, the command that mends it.

Nothing is changed and nothing is created. The router's own configuration is checked by the caller, who may
read it; see ``cli/doctor.py``.
"""

from __future__ import annotations

import locale
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from workbench import __version__
from workbench.control.check import Check, doubt, fault, good
from workbench.control.health import check_store
from workbench.control.keys import master_key
from workbench.control.locate import look
from workbench.control.ports import is_free
from workbench.control.process import start_command
from workbench.domain.errors import ConfigError, WorkbenchError
from workbench.settings.home import Home
from workbench.settings.keys import KEY_NAME
from workbench.settings.load import load_settings

LOW_DISK = 2_000_000_000
"""Bytes; below this a warning."""
_OLDEST_NODE = 20


def examine(home: Home, environ: Mapping[str, str] | None = None) -> list[Check]:
    """Return all checks, the machine's first. Takes a few seconds at most."""
    given = os.environ if environ is None else environ
    checks = [_python(), *_terminal(given), *_home(home)]
    if home.root.is_dir():
        checks += [_env(home), _key(home, given), _settings(home, given), check_store(home), _disk(home)]
        checks += [_router(home, given)]
    return [*checks, _proxy(given), _sandbox(), *(_tool(*item) for item in _TOOLS)]


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return good("python", f"{version} ({sys.executable})")


def _terminal(environ: Mapping[str, str]) -> list[Check]:
    if not sys.stdout.isatty():
        return [good("terminal", "stdout is not a terminal; the terminal app needs one")]
    checks = []
    encoding = (sys.stdout.encoding or locale.getpreferredencoding(False)).lower().replace("-", "")
    if encoding != "utf8":
        checks.append(doubt("terminal", f"the encoding is {encoding}", "export LANG=C.UTF-8"))
    if environ.get("TERM", "dumb") in {"dumb", ""}:
        checks.append(fault("terminal", "TERM is not set", "export TERM=xterm-256color"))
    size = shutil.get_terminal_size()
    if size.columns < 80 or size.lines < 24:
        checks.append(doubt("terminal", f"{size.columns}x{size.lines} is small", "make it at least 80x24"))
    return checks or [good("terminal", f"{environ.get('TERM')}, {size.columns}x{size.lines}")]


def _home(home: Home) -> list[Check]:
    if not home.root.is_dir():
        return [
            doubt("home", f"{home.root} does not exist yet; the first start makes it", start_command(home))
        ]
    if os.statvfs(home.root).f_flag & os.ST_RDONLY:
        mend = "mount -o remount,rw …   # or another home: WORKBENCH_HOME"
        return [fault("home", f"{home.root} is on a file system mounted read-only", mend)]
    if not os.access(home.root, os.W_OK | os.X_OK):
        return [fault("home", f"{home.root} can't be written", f"chmod u+rwx {home.root}")]
    if not home.config.is_file():
        return [doubt("home", f"{home.config} is missing; the next start makes it", start_command(home))]
    return [good("home", str(home.root))]


def _env(home: Home) -> Check:
    if not home.env_file.is_file():
        return doubt("env file", f"{home.env_file} is missing; the next start makes it", start_command(home))
    mode = stat.S_IMODE(home.env_file.stat().st_mode)
    if mode & 0o077:
        return fault(
            "env file", f"others may read {home.env_file} (mode {mode:04o})", f"chmod 600 {home.env_file}"
        )
    return good("env file", f"{home.env_file} (mode {mode:04o})")


def _key(home: Home, environ: Mapping[str, str]) -> Check:
    if not home.env_file.is_file() and not environ.get(KEY_NAME):
        return good("master key", "none yet; the next start draws a random one")
    try:
        master_key(home, environ)
    except ConfigError as error:
        return fault("master key", error.message, error.hint)
    return good("master key", "set, random enough")


def _settings(home: Home, environ: Mapping[str, str]) -> Check:
    try:
        load_settings(home, environ)
    except ConfigError as error:
        return fault("settings", error.message, error.hint or f"edit {home.settings_file}")
    return good("settings", str(home.settings_file))


def _disk(home: Home) -> Check:
    free = shutil.disk_usage(home.root).free
    if free < LOW_DISK:
        return doubt("disk", f"{free / 1e9:.1f} GB free", "workbench prune --dry-run")
    return good("disk", f"{free / 1e9:.1f} GB free")


def _router(home: Home, environ: Mapping[str, str]) -> Check:
    seen = look(home)
    if seen.state == "silent":
        return fault(
            "router", f"it runs and does not answer: {seen.detail}", "workbench router restart --now"
        )
    if seen.state == "ready" and seen.file is not None:
        return _running(seen.file.base_url, seen.health)
    try:
        wanted = load_settings(home, environ).router
        free = is_free(wanted.host, wanted.port)
    except WorkbenchError as error:
        return doubt("router", f"down; {error.message}", error.hint)
    if not free:
        detail = f"down, and port {wanted.port} is taken by another program; it will take the next free one"
        return doubt("router", detail, "workbench router start")
    return good("router", f"down; it starts by itself when it is needed (port {wanted.port} is free)")


def _running(base_url: str, health: Mapping[str, object]) -> Check:
    version = health.get("version")
    if version != __version__:
        detail = f"{base_url} runs version {version}, this is {__version__}"
        return doubt("router", detail, "workbench router restart")
    if health.get("status") != "ok":
        return fault(
            "router", f"{base_url} is degraded: {health.get('recorder')}", "workbench router logs -n 20"
        )
    return good("router", f"{base_url} is ready")


def _proxy(environ: Mapping[str, str]) -> Check:
    lower = {name.lower(): value for name, value in environ.items() if value}
    if not any(name in lower for name in ("http_proxy", "all_proxy")):
        return good("proxy", "none for http")
    if any(name in lower.get("no_proxy", "") for name in ("127.0.0.1", "localhost", "*")):
        return good("proxy", "set; loopback is left out")
    return doubt(
        "proxy",
        "http_proxy is set without no_proxy: other clients would not reach the router",
        "export NO_PROXY=127.0.0.1,localhost",
    )


def _sandbox() -> Check:
    program = shutil.which("bwrap")
    if program is None:
        return doubt(
            "sandbox",
            "bubblewrap is missing: code from a real model is refused (the demo's own may run)",
            "sudo apt-get install bubblewrap" if sys.platform == "linux" else None,
        )
    argv = [program, "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "true"]
    words = _output(argv)
    if words is None:
        return doubt(
            "sandbox",
            f"{program} can't make a namespace here: code from a real model is refused",
            "sysctl kernel.unprivileged_userns_clone kernel.apparmor_restrict_unprivileged_userns",
        )
    return good("sandbox", program)


def _node_version(words: str) -> str | None:
    major = words.removeprefix("v").partition(".")[0]
    return None if major.isdigit() and int(major) >= _OLDEST_NODE else f"needs {_OLDEST_NODE} or newer"


_TOOLS: tuple[tuple[str, str, str, Callable[[str], str | None] | None], ...] = (
    ("git", "commits of generated apps", "sudo apt-get install git", None),
    ("node", "the recipes for web apps", "https://nodejs.org/en/download", _node_version),
    ("npm", "the recipes for web apps", "https://nodejs.org/en/download", None),
)


def _tool(name: str, purpose: str, install: str, judge: Callable[[str], str | None] | None) -> Check:
    program = shutil.which(name)
    if program is None:
        return doubt(name, f"missing; needed for {purpose}", install)
    words = (_output([program, "--version"]) or "").splitlines()
    complaint = judge(words[0]) if judge and words else None
    shown = f"{Path(program)} {words[0] if words else ''}".strip()
    return doubt(name, f"{shown}: {complaint}", install) if complaint else good(name, shown)


def _output(argv: list[str]) -> str | None:
    """Return what a program prints, None when it fails or takes longer than 10 s."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
