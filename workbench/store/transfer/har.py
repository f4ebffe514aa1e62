"""HAR 1.2: what browsers' tools and mitmproxy open. Our own figures travel in fields that begin with
``_``.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import msgspec

from workbench import __version__
from workbench.domain.errors import UsageError
from workbench.domain.exchange import Exchange, Headers, State, Write
from workbench.domain.ids import EXCHANGE, new_id
from workbench.domain.times import iso, parse_iso
from workbench.store.transfer.record import Record

_BASE = "http://127.0.0.1:4000"
ENDPOINTS = (
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages/count_tokens",
    "/v1/messages",
)  # fmt: skip
"""What may be imported: requests to a path that ends in one of these."""


def write_har(records: Iterable[Record], out: BinaryIO) -> int:
    """Write a HAR file; return how many entries."""
    creator = {"name": "workbench", "version": __version__}
    out.write(b'{"log":{"version":"1.2","creator":' + msgspec.json.encode(creator) + b',"entries":[')
    count = 0
    for record in records:
        out.write((b",\n" if count else b"\n") + msgspec.json.encode(_entry(record)))
        count += 1
    out.write(b"\n]}}\n")
    return count


def _entry(record: Record) -> dict[str, Any]:
    exchange = record.exchange
    total = exchange.latency_ms or 0.0
    wait = exchange.ttft_ms if exchange.ttft_ms is not None else total
    timings = {"blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": wait}
    return {
        "startedDateTime": iso(exchange.started_at),
        "time": total,
        "request": _request(record),
        "response": _response(record),
        "cache": {},
        "timings": {**timings, "receive": max(0.0, total - wait)},
        "_workbench": {
            **exchange.to_json(),
            "started_us": exchange.started_at,
            "writes": [[write.length, write.at_us] for write in record.writes],
        },
    }


def _request(record: Record) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": _BASE + record.exchange.endpoint,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(record.request_headers),
        "queryString": [],
        "headersSize": -1,
        "bodySize": len(record.request),
        "postData": {"mimeType": _type(record.request_headers), **_text(record.request)},
    }


def _response(record: Record) -> dict[str, Any]:
    status = record.exchange.status or 0
    return {
        "status": status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(record.response_headers),
        "content": {
            "size": len(record.response),
            "mimeType": _type(record.response_headers),
            **_text(record.response),
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(record.response),
    }


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _type(headers: Headers) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "application/json")


def _text(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}


def read_har(source: BinaryIO, name: str) -> Iterator[Record]:
    """Yield the entries that are requests to a model endpoint. Raises UsageError for other files."""
    try:
        entries = msgspec.json.decode(source.read())["log"]["entries"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{name} is no HAR file: {error}") from None
    for number, entry in enumerate(entries):
        try:
            record = _record(entry)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{name}: entry {number} can't be read: {error}") from None
        if record is not None:
            yield record


def _record(entry: dict[str, Any]) -> Record | None:
    request, response = entry["request"], entry["response"]
    endpoint = _endpoint(urlsplit(request["url"]).path)
    if endpoint is None or request["method"] != "POST":
        return None
    own = entry.get("_workbench")
    headers = _headers(request)
    body = _body(request.get("postData") or {})
    exchange = _own(own) if isinstance(own, dict) else _foreign(entry, endpoint, headers, body)
    writes = own.get("writes", []) if isinstance(own, dict) else []
    answer = _body(response.get("content") or {})
    return Record(
        exchange=exchange,
        request_headers=headers,
        request=body,
        response_headers=_headers(response),
        response=answer,
        writes=[Write(int(length), int(at)) for length, at in writes],
    )


def _endpoint(path: str) -> str | None:
    return next((known for known in ENDPOINTS if path.endswith((known, known.removeprefix("/v1")))), None)


def _own(own: dict[str, Any]) -> Exchange:
    known = {name: own[name] for name in Exchange.__struct_fields__ if name in own}
    known["started_at"] = own["started_us"]
    known["attempts"] = 0  # HAR has no place for them
    return msgspec.convert(known, Exchange)


def _foreign(entry: dict[str, Any], endpoint: str, headers: Headers, body: bytes) -> Exchange:
    started = parse_iso(str(entry["startedDateTime"]).replace("Z", "+00:00"))
    status = int(entry["response"]["status"]) or None
    state: State = "complete" if status else "failed"
    asked = _json(body)
    return Exchange(
        id=new_id(EXCHANGE, started or time.time_ns() // 1000),
        started_at=started,
        endpoint=endpoint,
        model=str(asked.get("model") or ""),
        stream=asked.get("stream") is True,
        status=status,
        state=state,
        provider=urlsplit(entry["request"]["url"]).hostname,
        latency_ms=float(entry.get("time") or 0.0),
        client=next((value for name, value in headers if name.lower() == "user-agent"), None),
    )


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _headers(side: dict[str, Any]) -> Headers:
    return [(str(item["name"]), str(item["value"])) for item in side.get("headers", [])]


def _body(content: dict[str, Any]) -> bytes:
    text = str(content.get("text") or "")
    return base64.b64decode(text) if content.get("encoding") == "base64" else text.encode("utf-8", "replace")
