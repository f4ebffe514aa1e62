"""A model that says what a test tells it to, on a real socket, and a home with a tiny recipe."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.client import RouterClient
from workbench.domain.events import RunEvent
from workbench.domain.marker import Marker, find
from workbench.settings.home import Home
from workbench.settings.sections import Settings
from workbench.store.store import Store
from workbench.workflow.engine import GenerateRequest, run_workflow
from workbench.workflow.report import RunReport

Speak = Callable[[Marker, list[dict[str, Any]]], str | tuple[str, str]]
"""Given the marker and the messages: the answer's text, or text and finish_reason."""

RECIPE = """\
version: 1
name: tiny
title: Tiny
summary: A few Python files
toolchain: {kind: python}
allowed: ["*.py", "pkg/**/*.py", "*.txt"]
required: ["main.py"]
gates:
  - {name: compile, argv: [python3, -m, compileall, -q, .], proves: it parses, timeout_s: 20}
  - {name: run, argv: [python3, main.py], proves: it runs, timeout_s: 20}
"""


def plan_of(*paths: str, **depends: list[str]) -> str:
    """Return a plan's JSON; `depends` maps a path's stem to what it builds on."""
    files = [
        {"path": path, "purpose": f"holds {path}", "depends_on": depends.get(Path(path).stem, [])}
        for path in paths
    ]
    return json.dumps({"schema_version": 1, "summary": "a plan", "recipe": "tiny", "files": files})


def file_of(marker: Marker, content: str, path: str | None = None) -> str:
    """Return a file answer in the asked form."""
    return f"=== FILE {marker.nonce} {path or marker.path}\n{content}\n=== END {marker.nonce}\n"


class Model:
    """An OpenAI-like server that streams what `speak` says; keeps every request."""

    def __init__(self) -> None:
        self.speak: Speak = lambda marker, messages: ""
        self.refuse: Callable[[dict[str, Any]], str] = lambda body: ""
        """Given a request: the message of a 400, or nothing."""
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.under_way = 0
        self.most = 0
        self.delay = 0.0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, kind: str) -> list[Marker]:
        """Return the markers of all requests of a kind."""
        markers = [find(request["messages"][-1]["content"]) for request in self.requests]
        return [marker for marker in markers if marker is not None and marker.kind == kind]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:  # the run was cancelled before it had asked
            writer.close()
            return
        length = int(re.search(r"content-length: (\d+)", head, re.I)[1])  # type: ignore[index]
        body = json.loads(await reader.readexactly(length))
        self.requests.append(body)
        self.headers.append(dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.delay:
            await asyncio.sleep(self.delay)
        if refusal := self.refuse(body):
            data = json.dumps({"error": {"message": refusal, "code": "unsupported"}}).encode()
            head = f"HTTP/1.1 400 Bad Request\r\ncontent-length: {len(data)}\r\nconnection: close\r\n\r\n"
            writer.write(head.encode() + data)
            await writer.drain()
            self.under_way -= 1
            writer.close()
            return
        marker = find(body["messages"][-1]["content"])
        said = self.speak(marker, body["messages"]) if marker else "no marker"
        text, finish = said if isinstance(said, tuple) else (said, "stop")
        usage = {"prompt_tokens": 100, "completion_tokens": 50}
        chunks = [
            {"choices": [{"index": 0, "delta": {"content": text[:5]}}]},
            {"choices": [{"index": 0, "delta": {"content": text[5:]}}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "usage": usage},
        ]
        data = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        writer.write(data + b"data: [DONE]\n\n")
        await writer.drain()
        self.under_way -= 1
        writer.close()


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    """A scripted model on a free port."""
    scripted = Model()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = server.sockets[0].getsockname()[1]
    yield scripted
    server.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with the recipe ``tiny``."""
    home = Home(tmp_path / "home")
    folder = home.recipes / "tiny"
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(RECIPE)
    home.artifacts.mkdir(parents=True)
    return home


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    """The home's store."""
    with Store.open(home.store) as opened:
        yield opened


class Bench:
    """Runs workflows of the scripted model in the home."""

    def __init__(self, home: Home, store: Store, model: Model) -> None:
        self.home, self.store, self.model = home, store, model
        self.events: list[RunEvent] = []

    async def generate(self, brief: str = "a small program", **options: Any) -> RunReport:
        return await self.go(GenerateRequest(brief=brief, recipe="tiny", model="m", **options))

    async def go(self, request: Any) -> RunReport:
        async with RouterClient(self.model.url, "key") as client:
            return await run_workflow(
                request,
                home=self.home,
                settings=Settings(),
                client=client,
                store=self.store,
                on_event=self.events.append,
            )

    def seen(self, kind: type[RunEvent]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def bench(home: Home, store: Store, model: Model) -> Bench:
    """A home, its store and a scripted model, ready to generate."""
    return Bench(home, store, model)
