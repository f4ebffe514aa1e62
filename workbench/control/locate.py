"""Finding the router of a home.

A running router writes ``.router/router.json``. A process id alone proves nothing (it may have been used
again), and neither does a port: the key is given out only after ``/health`` answered with the instance id
that the file names.
"""

from __future__ import annotations

import http.client
import json
from typing import Any, Literal

import msgspec

from workbench.control.keys import master_key
from workbench.settings.home import Home

ANSWER_S = 2.0
"""How long ``/health`` may take before a router counts as not answering."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  (read, not bound)


class RouterAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a home's router answers and the key it takes."""

    base_url: str
    """Such as ``http://127.0.0.1:4000``, without ``/v1``."""
    key: str
    instance: str
    pid: int
    port: int
    version: str = ""

    def __repr__(self) -> str:
        """Leave the key out of logs and tracebacks."""
        return f"RouterAddress({self.base_url}, instance={self.instance}, pid={self.pid})"


class RouterFile(msgspec.Struct, frozen=True, kw_only=True):
    """The content of ``router.json``."""

    pid: int
    pid_started: float
    port: int
    instance: str
    host: str = "127.0.0.1"
    version: str = ""
    started_at: str | None = None

    @property
    def base_url(self) -> str:
        """The address that a client on this machine uses."""
        host = _EVERYWHERE.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a home's router.

    absent: no router. ready: it answers. silent: its process lives and does not answer. stranger: another
    program answers on its port.
    """

    state: Literal["absent", "ready", "silent", "stranger"]
    file: RouterFile | None = None
    health: dict[str, Any] = {}
    detail: str = ""


def find_router(home: Home) -> RouterAddress | None:
    """Return the address of the home's running router, None when none answers.

    Takes at most `ANSWER_S` seconds. Raises ConfigError when the home's key is missing or weak.
    """
    seen = look(home)
    if seen.state != "ready" or seen.file is None:
        return None
    return address_of(home, seen.file)


def address_of(home: Home, file: RouterFile) -> RouterAddress:
    """Return the address for a router that was seen ready."""
    return RouterAddress(
        base_url=file.base_url,
        key=master_key(home),
        instance=file.instance,
        pid=file.pid,
        port=file.port,
        version=file.version,
    )


def look(home: Home, *, timeout_s: float = ANSWER_S) -> Sighting:
    """Look for the home's router: the file, the process, then ``/health``. No key is sent."""
    file = read_router_file(home)
    if file is None:
        return Sighting(state="absent", detail="no router.json")
    if not alive(file):
        return Sighting(state="absent", file=file, detail=f"process {file.pid} is gone")
    try:
        health = get_health(file, timeout_s)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Sighting(
            state="silent", file=file, detail=f"{file.base_url}/health: {str(error) or 'no answer'}"
        )
    if health.get("instance") != file.instance:
        return Sighting(state="stranger", file=file, detail=f"another program answers at {file.base_url}")
    return Sighting(state="ready", file=file, health=health)


def read_router_file(home: Home) -> RouterFile | None:
    """Return ``router.json``, None when there is none or it is no such file."""
    try:
        return msgspec.json.decode(home.router_json.read_bytes(), type=RouterFile)
    except (OSError, msgspec.DecodeError):
        return None


def alive(file: RouterFile) -> bool:
    """Tell whether the very process that wrote the file still runs (a zombie does not)."""
    import psutil

    try:
        process = psutil.Process(file.pid)
        return (
            abs(process.create_time() - file.pid_started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:
        return False


def get_health(file: RouterFile, timeout_s: float = ANSWER_S) -> dict[str, Any]:
    """Return ``GET /health``. Raises OSError, HTTPException or ValueError when there is no such answer."""
    # The standard library's client: no proxy settings apply, and importing it costs 15 ms, not 150.
    host = _EVERYWHERE.get(file.host, file.host)
    connection = http.client.HTTPConnection(host, file.port, timeout=timeout_s)
    try:
        connection.request("GET", "/health", headers={"Accept": "application/json"})
        document = json.loads(connection.getresponse().read(1_000_000))
    finally:
        connection.close()
    if not isinstance(document, dict):
        msg = "not a JSON object"
        raise ValueError(msg)
    return document
