"""Downloading the sign-in proxy: only what its release's checksums vouch for is installed.

Delivery: the program's file is whole and verified, or the one that was there before stays.
"""

from __future__ import annotations

import hashlib
import io
import platform
import sys
import tarfile
import zipfile
from collections.abc import Callable

import httpx
import msgspec

from workbench.control.files import PRIVATE_FOLDER, write_atomic
from workbench.control.subscription.layout import PROGRAM, VERSION, Layout
from workbench.domain.errors import CheckFailed, ToolUnavailable, UsageError

RELEASES = "https://github.com/router-for-me/CLIProxyAPIPlus/releases/download"
MAX_BYTES = 200_000_000

_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "windows"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

Progress = Callable[[int, int | None], None]


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """What was installed."""

    path: str
    version: str
    sha256: str
    """Of the archive."""
    verified_by: str
    """``checksums.txt`` or ``--sha256``."""


def archive_name(version: str, system: str | None = None, machine: str | None = None) -> str:
    """Return the release archive's name for a machine. Raises ToolUnavailable where there is none."""
    os_name = _SYSTEMS.get(system or sys.platform)
    cpu = _MACHINES.get((machine or platform.machine()).lower())
    if os_name is None or cpu is None:
        raise ToolUnavailable(
            f"there is no {PROGRAM} for {system or sys.platform} on {machine or platform.machine()}"
        )
    kind = "zip" if os_name == "windows" else "tar.gz"
    return f"CLIProxyAPIPlus_{version}_{os_name}_{cpu}.{kind}"


def download(
    layout: Layout,
    *,
    version: str = VERSION,
    source: str = RELEASES,
    sha256: str | None = None,
    on_progress: Progress | None = None,
) -> Installed:
    """Fetch, verify and install the program; `sha256` replaces the release's own list.

    Raises CheckFailed when the sum differs, UsageError when nothing vouches for the archive,
    ToolUnavailable when it can't be fetched or unpacked.
    """
    _require_safe(source)
    name = archive_name(version)
    folder = f"{source.rstrip('/')}/v{version}"
    with httpx.Client(follow_redirects=True, timeout=30.0) as client:
        expected, voucher = (sha256.lower(), "--sha256") if sha256 else _listed(client, folder, name)
        archive = _fetch(client, f"{folder}/{name}", on_progress)
    actual = hashlib.sha256(archive).hexdigest()
    if actual != expected:
        raise CheckFailed(
            f"{name} is not what was published: sha256 {actual}, expected {expected}",
            hint="nothing was installed; try again, or look at the release's page",
        )
    program = _unpack(archive, name)
    layout.program.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    write_atomic(layout.program, program, mode=0o700)
    return Installed(path=str(layout.program), version=version, sha256=actual, verified_by=voucher)


def _require_safe(source: str) -> None:
    url = httpx.URL(source)
    if url.scheme == "https" or (url.scheme == "http" and url.host in {"127.0.0.1", "localhost", "::1"}):
        return
    raise UsageError(f"{source} is not an https address")


def _listed(client: httpx.Client, folder: str, name: str) -> tuple[str, str]:
    """Return the archive's sum from the release's list."""
    try:
        text = _fetch(client, f"{folder}/checksums.txt", None).decode("utf-8", "replace")
    except ToolUnavailable as error:
        raise UsageError(
            f"the release has no checksums.txt to verify {name} with ({error.message})",
            hint=f"workbench bootstrap download --sha256 SUM   # from a source you trust; {folder}",
        ) from None
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].lstrip("*") == name and len(words[0]) == 64:
            return words[0].lower(), "checksums.txt"
    raise UsageError(f"checksums.txt does not name {name}", hint="workbench bootstrap download --sha256 SUM")


def _fetch(client: httpx.Client, url: str, on_progress: Progress | None) -> bytes:
    data = bytearray()
    try:
        with client.stream("GET", url) as reply:
            if reply.status_code != 200:
                raise ToolUnavailable(f"{url}: HTTP {reply.status_code}")
            length = reply.headers.get("content-length", "")
            for chunk in reply.iter_bytes():
                data += chunk
                if len(data) > MAX_BYTES:
                    raise ToolUnavailable(f"{url} is larger than {MAX_BYTES} bytes")
                if on_progress is not None:
                    on_progress(len(data), int(length) if length.isdigit() else None)
    except httpx.HTTPError as error:
        raise ToolUnavailable(f"{url} can't be fetched: {str(error) or type(error).__name__}") from None
    return bytes(data)


def _unpack(archive: bytes, name: str) -> bytes:
    """Return the program out of the archive; nothing is written by the archive's own paths."""
    try:
        found = _from_zip(archive) if name.endswith(".zip") else _from_tar(archive)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ToolUnavailable(f"{name} can't be unpacked: {error}") from None
    if not found:
        raise ToolUnavailable(f"{name} holds no {PROGRAM}")
    return found


def _is_program(path: str) -> bool:
    return path.rsplit("/", 1)[-1] in {PROGRAM, f"{PROGRAM}.exe"}


def _from_tar(archive: bytes) -> bytes | None:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        for member in files:
            if member.isfile() and _is_program(member.name) and member.size <= MAX_BYTES:
                content = files.extractfile(member)
                return content.read() if content else None
    return None


def _from_zip(archive: bytes) -> bytes | None:
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        for entry in files.infolist():
            if _is_program(entry.filename) and entry.file_size <= MAX_BYTES:
                return files.read(entry)
    return None
