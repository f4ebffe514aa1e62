"""Which recording answers a request that names none: by what is asked, never by the address alone.

The header's value is then a filter (``tag:golden``, ``session:… model:demo``) or a run's id, optionally with
JSON paths that make no difference: ``tag:golden; ignore=user,metadata.trace``. A recording matches when
endpoint and body are equal as JSON. Of several the newest whole one answers.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.domain.errors import UsageError
from workbench.domain.redaction import redact
from workbench.store.page import Cursor

if TYPE_CHECKING:
    from workbench.domain.exchange import Exchange
    from workbench.store.reader import Reader

_MOST = 5_000
"""Recordings of one filter that are looked at, newest first; reading them takes about a second."""
_KEPT = 8
"""Filters whose recordings are remembered."""
_PAGE = 200


class Wanted(msgspec.Struct, frozen=True):
    """A header's value, read: where to look, and what makes no difference."""

    where: str
    ignore: tuple[tuple[str, ...], ...] = ()


def parse_wanted(value: str) -> Wanted:
    """Return what ``tag:golden; ignore=user`` says. Raises UsageError for an option that is not known."""
    where, *options = (part.strip() for part in value.split(";"))
    ignore: tuple[tuple[str, ...], ...] = ()
    for option in filter(None, options):
        name, _, paths = option.partition("=")
        if name.strip() != "ignore":
            raise UsageError(f"playback knows ignore=, not {name.strip()!r}")
        ignore = tuple(tuple(path.strip().split(".")) for path in paths.split(",") if path.strip())
    return Wanted(f"run:{where}" if where.startswith("run_") else where, ignore)


def fingerprint(endpoint: str, body: bytes, ignore: tuple[tuple[str, ...], ...]) -> bytes:
    """Return what equal requests have in common: keys in any order, white space and ignored paths left out.

    Secrets are replaced first, as they are in what is recorded.
    """
    body, _ = redact(body)
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        canonical = body
    else:
        for path in ignore:
            _drop(document, path)
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(endpoint.encode() + b"\0" + canonical).digest()


def _drop(value: Any, path: tuple[str, ...]) -> None:
    """Delete what stands at `path`; a list passes it on to each of its items."""
    if isinstance(value, list):
        for item in value:
            _drop(item, path)
    elif isinstance(value, dict):
        if len(path) == 1:
            value.pop(path[0], None)
        elif path[0] in value:
            _drop(value[path[0]], path[1:])


class Matcher:
    """Finds recordings by their requests. Blocking, for several threads; remembers what it has read."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._indexes: OrderedDict[Wanted, _Index] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, value: str, endpoint: str, body: bytes) -> str:
        """Return the id of the exchange that answers. Raises UsageError when none does, FilterError."""
        wanted = parse_wanted(value)
        with self._lock:
            index = self._indexes.setdefault(wanted, _Index(wanted))
            self._indexes.move_to_end(wanted)
            while len(self._indexes) > _KEPT:
                self._indexes.popitem(last=False)
            index.read_on(self._reader)
            found = index.recordings.get(fingerprint(endpoint, body, wanted.ignore))
        if found is None:
            looked = f"{index.count} recordings of {wanted.where!r} were looked at"
            raise UsageError(f"no recording was asked this ({looked}); nothing is sent upstream")
        return found


class _Index:
    """The recordings of one filter by fingerprint, and how far it has been read."""

    def __init__(self, wanted: Wanted) -> None:
        self.recordings: dict[bytes, str] = {}
        self.count = 0
        self._wanted = wanted
        self._newest: Cursor | None = None

    def read_on(self, reader: Reader) -> None:
        """Take in what was recorded since the last time."""
        fresh = self._first(reader) if self._newest is None else self._since(reader, self._newest)
        for exchange in fresh:  # oldest first, so that the newest of equals stays
            if exchange.state == "running":
                break  # its answer comes yet: looked at again next time
            self._newest = Cursor.of(exchange)
            if exchange.state == "complete" and exchange.provider != "playback":
                self.count += 1
                body = reader.body(exchange.id, "request")
                self.recordings[fingerprint(exchange.endpoint, body, self._wanted.ignore)] = exchange.id

    def _first(self, reader: Reader) -> list[Exchange]:
        found: list[Exchange] = []
        before: Cursor | None = None
        while len(found) < _MOST:
            page = reader.exchanges(self._wanted.where, before=before, limit=_PAGE)
            found += page.items
            if (before := page.next) is None:
                break
        return found[::-1]

    def _since(self, reader: Reader, after: Cursor) -> list[Exchange]:
        found: list[Exchange] = []
        while items := reader.exchanges(self._wanted.where, after=after, limit=_PAGE).items:
            found += reversed(items)
            after = Cursor.of(items[0])
        return found
