"""What the stages of one run share: its recipe, folder, app, history, log and place in the store.

A step is recorded three times, for three readers: in ``state.json`` (resume), in the store (lists,
search) and as events (whoever follows). The store may fail under us; the run goes on and says so once,
since the folder holds everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

from workbench.domain.errors import StoreUnavailable
from workbench.domain.events import Note, StepFinished, StepStarted
from workbench.domain.run import Step
from workbench.settings.home import Home
from workbench.store.store import Store
from workbench.workflow.artifacts import Log, RunFolder, State, StepState
from workbench.workflow.brief import variables
from workbench.workflow.commits import Commits
from workbench.workflow.library import Kit


def now_us() -> int:
    """Return the moment, microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def input_hash(*parts: object) -> str:
    """Return the hash that says whether a step's input is still the same."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


class Job:
    """One run under way."""

    def __init__(
        self, *, home: Home, kit: Kit, state: State, folder: RunFolder, log: Log, store: Store
    ) -> None:
        self.home, self.kit, self.state, self.folder, self.log, self.store = (
            home,
            kit,
            state,
            folder,
            log,
            store,
        )
        self.recipe = kit.recipe
        self.app: Path = home.generated / state.run
        self.commits = Commits(self.app)
        self._store_failed = False

    def app_files(self, planned: Iterable[str]) -> set[str]:
        """Return the paths of the template and the planned files: all that the app's code may rest on."""
        return {*self.kit.template(variables(self.state.brief)), *planned}

    def note(self, text: str) -> None:
        """Say a sentence to people."""
        self.log.emit(Note(text=text))

    def found(self, kind: str, name: str) -> StepState | None:
        """Return the step by that kind and name, if there is one already."""
        return next((step for step in self.state.steps if (step.kind, step.name) == (kind, name)), None)

    def done(self, kind: str, name: str, hashed: str) -> StepState | None:
        """Return the step when it ended (passed or failed) on the same input: a resume skips it."""
        step = self.found(kind, name)
        ended = step is not None and step.status in {"passed", "failed"} and step.input_hash == hashed
        return step if ended else None

    def forget(self, *kinds: str) -> None:
        """Let the steps of these kinds be done again; what was answered stays kept."""
        for step in self.state.steps:
            if step.kind in kinds:
                step.status, step.input_hash = "pending", None

    def reserve(self, kind: str, name: str) -> StepState:
        """Return the step by that name, made pending if it is new; gives parallel steps a fixed order."""
        step = self.found(kind, name)
        if step is None:
            step = StepState(seq=len(self.state.steps) + 1, kind=kind, name=name)
            self.state.steps.append(step)
        return step

    @contextlib.asynccontextmanager
    async def step(self, kind: str, name: str, hashed: str) -> AsyncIterator[StepState]:
        """Run the body as a step: passed when it ends (or what it set as status), failed when it raises."""
        step = self.reserve(kind, name)
        step.status, step.input_hash, step.started_at, step.ended_at = "running", hashed, now_us(), None
        step.detail = {}
        self.log.emit(StepStarted(seq=step.seq, kind=kind, name=name))
        await self._keep(step)
        try:
            yield step
            if step.status == "running":
                step.status = "passed"
        except asyncio.CancelledError:
            step.status = "cancelled"
            raise
        except BaseException as error:
            step.status = "failed" if isinstance(error, Exception) else "interrupted"
            step.detail.setdefault("error", str(error))
            # A failure by exception is no result: a resume must try again.
            step.input_hash = None
            raise
        finally:
            await self._end(step)

    async def _end(self, step: StepState) -> None:
        step.ended_at = now_us()
        took = (step.ended_at - (step.started_at or step.ended_at)) / 1000
        self.log.emit(
            StepFinished(seq=step.seq, kind=step.kind, name=step.name, status=step.status, duration_ms=took)
        )
        await asyncio.shield(self._keep(step))

    async def keep_all(self) -> None:
        """Put the steps that the run starts with (a fork's) into the store."""
        for step in self.state.steps:
            await self._keep(step)

    async def _keep(self, step: StepState) -> None:
        self.folder.save(self.state)
        values: dict[str, Any] = {name: getattr(step, name) for name in StepState.__struct_fields__}
        await self.stored(lambda store: store.put_step(Step(run=self.state.run, **values)))

    async def stored(self, change: Callable[[Store], object]) -> None:
        """Make a change in the store; where it can't be made the run goes on and says so once."""
        try:
            await asyncio.to_thread(change, self.store)
        except StoreUnavailable as error:
            if not self._store_failed:
                self._store_failed = True
                self.note(f"the store can't be written, the run goes on without it: {error}")
