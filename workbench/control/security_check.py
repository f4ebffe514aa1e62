"""What could give a key or a recording away: weak keys, open modes, exposed addresses, secrets in files.

Nothing is changed. Secrets that are found are named by kind, file and line, never shown.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from workbench.control.check import Check, doubt, fault, good
from workbench.control.keys import master_key
from workbench.control.locate import look
from workbench.control.secret_scan import scan
from workbench.domain.errors import ConfigError, WorkbenchError
from workbench.settings.home import Home
from workbench.settings.load import load_settings

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LARGEST = 2_000_000
"""Bytes; larger files are not looked into."""
MOST_FILES = 20_000
_LISTED = 20


def check_security(home: Home, environ: Mapping[str, str] | None = None) -> list[Check]:
    """Return all findings, keys first."""
    given = os.environ if environ is None else environ
    return [
        _key(home, given),
        *_modes(home),
        *_exposure(home, given),
        _recording(home, given),
        *_repository(home),
        *_secrets(home),
    ]


def _key(home: Home, environ: Mapping[str, str]) -> Check:
    try:
        master_key(home, environ)
    except ConfigError as error:
        return fault("master key", error.message, error.hint)
    return good("master key", "neither publicly known nor short")


def _modes(home: Home) -> list[Check]:
    """Files with keys must be their owner's alone; the store holds conversations, so its folder, too."""
    private = [home.env_file, *sorted(home.root.glob(".subscription/**/*.json"))]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in private if path.is_file()}
    findings = [
        fault("file mode", f"others may read {path} (mode {mode:04o})", f"chmod 600 {path}")
        for path, mode in modes.items()
        if mode & 0o077
    ]
    if home.artifacts.is_dir() and _open_to_others(home, home.artifacts):
        detail = f"others may read recorded exchanges in {home.artifacts}"
        findings.append(doubt("file mode", detail, f"chmod 700 {home.artifacts}"))
    return findings or [good("file mode", "keys and recordings are readable by their owner only")]


def _open_to_others(home: Home, folder: Path) -> bool:
    """Tell whether others can get through every folder down to `folder`, below the home's own."""
    chain = [
        home.root,
        *reversed([parent for parent in folder.parents if home.root in parent.parents]),
        folder,
    ]
    return all(stat.S_IMODE(path.stat().st_mode) & 0o055 for path in chain)


def _exposure(home: Home, environ: Mapping[str, str]) -> list[Check]:
    hosts: dict[str, str] = {}
    try:
        hosts[load_settings(home, environ).router.host] = "router.host in the settings"
    except WorkbenchError as error:
        return [doubt("exposure", f"the settings can't be read: {error.message}", error.hint)]
    seen = look(home)
    if seen.file is not None and seen.state == "ready":
        hosts[seen.file.host] = "the running router"
    exposed = [
        doubt("exposure", f"{where} is {host}: other machines can try keys", "use 127.0.0.1, or a firewall")
        for host, where in hosts.items()
        if host not in LOOPBACK
    ]
    return exposed or [good("exposure", "the router listens on loopback only")]


def _recording(home: Home, environ: Mapping[str, str]) -> Check:
    try:
        redact = load_settings(home, environ).recording.redact
    except WorkbenchError:
        redact = True
    if not redact:
        return doubt(
            "redaction",
            "secrets are recorded as they are",
            f"remove recording.redact from {home.settings_file}",
        )
    return good("redaction", "secrets are replaced before anything is recorded")


def _repository(home: Home) -> list[Check]:
    """In a git repository `.env` must be neither tracked nor about to be."""
    if shutil.which("git") is None or not home.env_file.exists():
        return []
    if _git(home, "rev-parse", "--is-inside-work-tree") != "true":
        return []
    if _git(home, "ls-files", "--error-unmatch", home.env_file.name) is not None:
        mend = "git rm --cached .env   # then make new keys: its history keeps the old ones"
        return [fault("repository", f"{home.env_file} is tracked by git", mend)]
    if _git(home, "check-ignore", home.env_file.name) is None:
        return [fault("repository", f"{home.env_file} is not ignored by git", "echo .env >> .gitignore")]
    return [good("repository", ".env is ignored by git")]


def _secrets(home: Home) -> list[Check]:
    own = {home.config, home.policy, home.settings_file}
    findings = [
        fault(
            "secret",
            f"{path}:{found.line}: looks like {found.kind}",
            "workbench config migrate" if path == home.config else "remove it, and make a new key",
        )
        for path in _files(home)
        for found in scan(path, every=path in own)
    ]
    if len(findings) > _LISTED:
        more = len(findings) - _LISTED
        findings = [*findings[:_LISTED], fault("secret", f"{more} more", "mend these first")]
    return findings or [good("secrets", "none in the configuration and the repository's files")]


def _files(home: Home) -> Iterable[Path]:
    """The home's own configuration, and what git tracks or would add; never `.env` itself."""
    own = [home.config, home.policy, home.settings_file, *sorted(home.config.parent.glob("*.yaml"))]
    listed = _git(home, "ls-files", "--cached", "--others", "--exclude-standard", "-z") or ""
    names = [name for name in listed.split("\0") if name][:MOST_FILES]
    paths = dict.fromkeys([*own, *(home.root / name for name in names)])
    return [path for path in paths if path != home.env_file and _is_readable(path)]


def _is_readable(path: Path) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST
    except OSError:
        return False


def _git(home: Home, *arguments: str) -> str | None:
    """Return what git says, None when it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(home.root), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
