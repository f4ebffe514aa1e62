"""web_smoke by itself: on a run's app or on any folder, outside a workflow."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from workbench.domain.errors import UsageError
from workbench.domain.events import RunEvent
from workbench.domain.run import Run
from workbench.settings.home import Home
from workbench.workflow.artifacts import Log, RunFolder
from workbench.workflow.engine import DEMO_PROVIDER
from workbench.workflow.gates import Runner
from workbench.workflow.job import now_us
from workbench.workflow.library import Kit
from workbench.workflow.modules import ModuleStore
from workbench.workflow.paths import write_atomic
from workbench.workflow.sandbox import choose
from workbench.workflow.seeds import give_seed
from workbench.workflow.smoke import SmokeReport, web_smoke


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is smoked: an app, the recipe that says how, the brief whose words are looked for."""

    app: Path
    kit: Kit
    brief: str
    run: Run | None


async def smoke(
    target: Target,
    *,
    home: Home,
    on_event: Callable[[RunEvent], None] | None = None,
    keep_server: bool = False,
    browser: bool = False,
    unsafe: bool = False,
) -> SmokeReport:
    """Install, build, serve and check; a run's log and ``smoke.json`` go to its folder.

    Raises ToolUnavailable when the toolchain or a sandbox is missing, UsageError when the app is gone.
    """
    if not target.app.is_dir():
        raise UsageError(f"{target.app} is not there", hint="workbench runs list --kind workflow")
    backend = choose(trusted=_by_demo(target, home), unsafe=unsafe)
    run = target.run.id if target.run else ""
    root = home.runs / run if run else Path(tempfile.mkdtemp(prefix="wb-smoke-"))
    folder = RunFolder(root)
    folder.create()
    log = Log(folder, run, on_event, now_us)
    try:
        tools = await ModuleStore(home.modules, lambda text: _say(log, text)).toolbox(target.kit)
        await asyncio.to_thread(give_seed, target.app, tools)
        _say(log, f"sandbox: {backend.name}")
        runner = Runner(app=target.app, logs=folder.gates, backend=backend, tools=tools, emit=log.emit)
        report = await web_smoke(
            target.kit.recipe,
            runner,
            brief=target.brief,
            folder=folder.root,
            emit=log.emit,
            keep_server=keep_server,
            browser=browser,
        )
    finally:
        log.close()
    write_atomic(folder.root / "smoke.json", msgspec.json.format(msgspec.json.encode(report), indent=2))
    return report


def _say(log: Log, text: str) -> None:
    from workbench.domain.events import SmokeOutput

    log.emit(SmokeOutput(text=text))


def _by_demo(target: Target, home: Home) -> bool:
    """Tell whether only the built-in demo wrote this app, by the answers that are kept of its run."""
    return target.run is not None and RunFolder(home.runs / target.run.id).providers() == {DEMO_PROVIDER}
