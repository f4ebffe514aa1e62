"""Router instances: who is writing, and which of those that wrote are dead.

A running exchange belongs to a living instance or it was interrupted. An instance is known by pid and the
process's start time, so a pid that was given to somebody else does not keep it alive.
"""

from __future__ import annotations

import platform
import sqlite3
import time

_SAME_START_S = 2.0
"""The start time is derived from a boot time that clock adjustment may shift a little."""


def register(connection: sqlite3.Connection, name: str, pid: int) -> int:
    """Enter the process `pid` as the instance `name`; return its key."""
    row = connection.execute("SELECT seq FROM instances WHERE name = ?", (name,)).fetchone()
    if row is None:
        values = (name, platform.node(), pid, _started(pid) or 0.0, _now())
        connection.execute(
            "INSERT INTO instances (name, host, pid, pid_started, started_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO NOTHING",
            values,
        )
        row = connection.execute("SELECT seq FROM instances WHERE name = ?", (name,)).fetchone()
    return int(row[0])


def end(connection: sqlite3.Connection, key: int) -> None:
    """Note that an instance has ended on purpose."""
    connection.execute("UPDATE instances SET ended_at = ? WHERE seq = ?", (_now(), key))


def dead(connection: sqlite3.Connection) -> list[int]:
    """Return the keys of instances that are over but still have running exchanges."""
    rows = connection.execute(
        "SELECT DISTINCT i.seq, i.host, i.pid, i.pid_started, i.ended_at FROM exchanges AS e"
        " JOIN instances AS i ON i.seq = e.instance WHERE e.state <> 'complete' AND e.state = 'running'"
    ).fetchall()
    return [
        key for key, host, pid, started, ended in rows if ended is not None or not _alive(host, pid, started)
    ]


def _alive(host: str, pid: int, started: float) -> bool:
    if host != platform.node():
        return True  # another machine's process can't be asked; its own router will tell
    return process_alive(pid, started)


def process_alive(pid: int, started: float) -> bool:
    """Tell whether that very process lives; `started` is its start time as psutil gives it, 0 if unknown."""
    found = _started(pid)
    return found is not None and (started == 0.0 or found == 0.0 or abs(found - started) < _SAME_START_S)


def _started(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return 0.0 if psutil.pid_exists(pid) else None


def _now() -> int:
    return time.time_ns() // 1000


class Liveness:
    """Tells for a reader which instances live; asks the system at most once a second for each."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, bool]] = {}

    def alive(self, connection: sqlite3.Connection, name: str) -> bool:
        """Tell whether the instance is still there; one the store does not know is taken to be."""
        now = time.monotonic()
        known = self._known.get(name)
        if known is not None and now - known[0] < 1.0:
            return known[1]
        row = connection.execute(
            "SELECT host, pid, pid_started, ended_at FROM instances WHERE name = ?", (name,)
        ).fetchone()
        alive = row is None or (row[3] is None and _alive(*row[:3]))
        self._known[name] = (now, alive)
        return alive
