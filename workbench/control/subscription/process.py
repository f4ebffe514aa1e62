"""The sign-in proxy as a process: started detached on loopback, waited for, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import msgspec
import psutil

from workbench.control.files import PRIVATE, write_atomic
from workbench.control.logtail import last_words
from workbench.control.subscription.layout import PROGRAM, Layout, base_url, client_key, prepare
from workbench.domain.errors import ToolUnavailable

READY_S = 20.0
_POLL_S = 0.1


class ProxyFile(msgspec.Struct, frozen=True):
    """The content of ``process.json``."""

    pid: int
    pid_started: float


class ProxyState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the proxy."""

    installed: bool
    running: bool
    ready: bool
    base_url: str | None
    accounts: list[str]
    """Names of the account files."""


def state(layout: Layout) -> ProxyState:
    """Look at the proxy; nothing is started."""
    address = base_url(layout) if layout.config.exists() else None
    process = _running(layout)
    return ProxyState(
        installed=layout.program.exists(),
        running=process is not None,
        ready=bool(process and address and _answers(layout, address)),
        base_url=address,
        accounts=sorted(path.name for path in layout.auth.glob("*.json")),
    )


def start(layout: Layout, *, program: Path | None = None, wait_s: float = READY_S) -> str:
    """Start the proxy unless it runs; return its base URL once it answers with our key.

    Raises ToolUnavailable when the program is missing or does not become ready, with the end of what it said.
    """
    prepare(layout)
    address = base_url(layout)
    if _running(layout) is None:
        _spawn(layout, program or layout.program)
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        if _answers(layout, address):
            return address
        if _running(layout) is None:
            break
        time.sleep(_POLL_S)
    stop(layout)
    raise ToolUnavailable(
        f"{PROGRAM} did not become ready\n{last_words(layout.log)}".rstrip(), hint=f"less {layout.log}"
    )


def stop(layout: Layout) -> bool:
    """Stop the proxy; return whether one ran."""
    process = _running(layout)
    layout.process_file.unlink(missing_ok=True)
    if process is None:
        return False
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)
    except psutil.TimeoutExpired:
        process.kill()
    return True


def _spawn(layout: Layout, program: Path) -> None:
    if not program.exists():
        raise ToolUnavailable(f"{PROGRAM} is not installed", hint="workbench bootstrap download")
    layout.log.parent.mkdir(parents=True, exist_ok=True)
    with layout.log.open("wb") as output:
        child = subprocess.Popen(
            [str(program), "-config", str(layout.config)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=layout.folder,
            start_new_session=True,
            # Only what a program needs to run: no provider's key is this one's business.
            env={name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ},
        )
    record = ProxyFile(child.pid, psutil.Process(child.pid).create_time())
    write_atomic(layout.process_file, msgspec.json.encode(record), mode=PRIVATE)


def _running(layout: Layout) -> psutil.Process | None:
    try:
        record = msgspec.json.decode(layout.process_file.read_bytes(), type=ProxyFile)
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.pid_started) < 1.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, msgspec.DecodeError, psutil.Error):
        return None


def _answers(layout: Layout, address: str) -> bool:
    """Tell whether ``/v1/models`` answers with our key (``/healthz`` came with a later version)."""
    headers = {"Authorization": f"Bearer {client_key(layout.home)}"}
    try:
        with httpx.Client(trust_env=False, timeout=2.0) as client:
            return client.get(f"{address}/v1/models", headers=headers).status_code == 200
    except httpx.HTTPError:
        return False
