"""web_smoke: build the app, serve it, fetch its declared pages, check what came, stop it, see the port free.

Same input, same verdict: what is checked stands in the recipe and in the brief. The server runs in the
sandbox; `keeper` carries a loopback port to it.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from workbench.domain.events import RunEvent, SmokeOutput
from workbench.workflow.brief import brief_words
from workbench.workflow.gates import GateResult, Runner
from workbench.workflow.recipe import Page, Recipe, Serve
from workbench.workflow.serving import Server, port_is_free, serve

_SCRIPT = re.compile(r"""<(?:script|link)\b[^>]*?\b(?:src|href)=["']([^"']+)["']""", re.I)
_MAX_BODY = 8 * 1024 * 1024
_FETCH_S = 15.0


class SmokeCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was checked; `problem` is empty when it holds."""

    what: str
    problem: str = ""


class SmokeReport(msgspec.Struct, kw_only=True):
    """What web_smoke did and saw."""

    passed: bool = False
    sandbox: str = ""
    checks: list[SmokeCheck] = []
    gates: list[GateResult] = []
    words: list[str] = []
    """The brief's words that were looked for."""
    ready_ms: float | None = None
    duration_ms: float = 0.0
    url: str | None = None
    """Where the server still answers (``--keep-server``), else None."""
    pid: int | None = None
    """Process to end it with."""
    screenshot: str | None = None


class _Probe:
    """Collects checks and says each as a line."""

    def __init__(self, emit: Callable[[RunEvent], None]) -> None:
        self._emit = emit
        self.checks: list[SmokeCheck] = []

    def say(self, text: str) -> None:
        self._emit(SmokeOutput(text=text))

    def check(self, what: str, problem: str = "") -> None:
        self.checks.append(SmokeCheck(what=what, problem=problem))
        self.say(f"FAIL {what}: {problem}" if problem else f"ok   {what}")


async def web_smoke(
    recipe: Recipe,
    runner: Runner,
    *,
    brief: str,
    folder: Path,
    emit: Callable[[RunEvent], None],
    build: bool = True,
    keep_server: bool = False,
    browser: bool = False,
) -> SmokeReport:
    """Smoke the app of `runner`; logs and screenshots go to `folder`.

    `build` runs the gates marked ``smoke`` first. Raises ToolUnavailable when no server can be started here.
    """
    began = time.monotonic()
    report = SmokeReport(sandbox=runner.backend.name, words=brief_words(brief))
    probe = _Probe(emit)
    if build:
        report.gates = await runner.all([gate for gate in recipe.gates if gate.smoke], "-smoke")
        for result in report.gates:
            probe.check(f"{result.name} ({result.proves})", "" if result.passed else _why(result))
    if recipe.serve is None:
        probe.check("the recipe says how to serve", f"{recipe.name} has no serve section")
    elif all(result.passed for result in report.gates):
        await _served(recipe.serve, runner, report, probe, folder, keep_server=keep_server, browser=browser)
    report.checks = probe.checks
    report.passed = bool(report.checks) and not any(check.problem for check in report.checks)
    report.duration_ms = round((time.monotonic() - began) * 1000, 1)
    return report


def _why(result: GateResult) -> str:
    return result.reason or f"exit {result.exit_code}: {result.tail[-400:].strip()}"


async def _served(
    recipe: Serve,
    runner: Runner,
    report: SmokeReport,
    probe: _Probe,
    folder: Path,
    *,
    keep_server: bool,
    browser: bool,
) -> None:
    began = time.monotonic()
    server = await serve(recipe, runner, log=folder / "server.log", keep=keep_server)
    try:
        async with httpx.AsyncClient(
            base_url=server.url, timeout=_FETCH_S, follow_redirects=False, trust_env=False
        ) as client:
            problem = await _ready(client, recipe, server)
            report.ready_ms = round((time.monotonic() - began) * 1000, 1)
            probe.check(f"answers on {recipe.ready} within {recipe.ready_timeout_s:g} s", problem)
            if not problem:
                for page in recipe.pages:
                    await _page(client, page, report.words, probe)
        if browser and not problem:
            from workbench.workflow.browser import open_in_browser

            shot = folder / "screenshot.png"
            errors = await open_in_browser(server.url + recipe.pages[0].path, shot)
            probe.check("no console errors in a browser", "; ".join(errors)[:1000])
            report.screenshot = str(shot) if shot.is_file() else None
    except BaseException:
        await server.stop()
        raise
    if keep_server:
        report.url, report.pid = server.url, server.pid
        probe.say(f"the server stays at {server.url}; end it with: kill {server.pid}")
        return
    await server.stop()
    probe.check("the server stops", "" if not server.alive else "it is still running")
    probe.check("its port is free again", "" if port_is_free(server.port) else f"port {server.port} is taken")


async def _ready(client: httpx.AsyncClient, recipe: Serve, server: Server) -> str:
    """Wait for any answer on the ready path; return the problem, or an empty text."""
    deadline = time.monotonic() + recipe.ready_timeout_s
    while time.monotonic() < deadline:
        if not server.alive:
            return f"the server ended: {server.log_tail()}"
        try:
            await client.get(recipe.ready)
        except httpx.HTTPError:
            await asyncio.sleep(0.03)
        else:
            return ""
    return f"no answer: {server.log_tail()}"


async def _page(client: httpx.AsyncClient, page: Page, words: list[str], probe: _Probe) -> None:
    try:
        answer = await client.get(page.path)
    except httpx.HTTPError as error:
        probe.check(f"{page.path} answers", f"{type(error).__name__}: {error}")
        return
    body = answer.text[:_MAX_BODY]
    got = answer.status_code
    probe.check(f"{page.path} has status {page.status}", "" if got == page.status else f"it has {got}")
    if page.content_type:
        kind = answer.headers.get("content-type", "")
        fits = kind.lower().startswith(page.content_type.lower())
        probe.check(
            f"{page.path} is {page.content_type}", "" if fits else f"it is {kind or 'without a type'}"
        )
    for name, part in page.headers.items():
        value = answer.headers.get(name, "")
        fits = part.lower() in value.lower()
        probe.check(f"{page.path} has {name}: {part}", "" if fits else f"it has {value!r}")
    for text in page.contains:
        probe.check(f"{page.path} contains {text!r}", "" if text in body else "it does not")
    for text in page.lacks:
        probe.check(f"{page.path} lacks {text!r}", "it does not" if text in body else "")
    if page.brief_words and words:
        await _words(client, page, body, words, probe)


async def _words(client: httpx.AsyncClient, page: Page, body: str, words: list[str], probe: _Probe) -> None:
    """Look for the brief's words in the page and in the scripts it loads.

    Half of them are enough: a model may say some of them in other words, a broken page says none.
    """
    sent = body.lower()
    for link in dict.fromkeys(_SCRIPT.findall(body)):
        target = urllib.parse.urljoin(page.path, link)
        if target.startswith("/") and not target.startswith("//"):
            try:
                answer = await client.get(target)
            except httpx.HTTPError as error:
                probe.check(f"{target} answers", f"{type(error).__name__}: {error}")
                continue
            problem = "" if answer.status_code == 200 else f"it has {answer.status_code}"
            probe.check(f"{target} has status 200", problem)
            sent += answer.text[:_MAX_BODY].lower()
    missing = [word for word in words if word not in sent]
    needed = math.ceil(len(words) / 2)
    found = len(words) - len(missing)
    what = f"{page.path} speaks of the brief ({found} of {len(words)} words; {needed} are needed)"
    probe.check(what, "" if found >= needed else f"missing: {', '.join(missing)}")
