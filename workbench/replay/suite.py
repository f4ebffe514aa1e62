"""A suite: requests with what is expected of their answers, in one YAML file.

::

    models: [demo, echo]          # each case is sent to each; without it, to the model its request names
    set: {temperature: 0}         # edits of every case, as --set
    cases:
      - name: greets
        ask: Say hello.           # or body: {...}, payload: file.json, exchange: ex_…
        expect:
          contains: [hello]

An expectation that is not written is: an answer that is complete and has no error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from workbench.domain.errors import ConfigError, UsageError
from workbench.domain.payload import Payload
from workbench.domain.yaml_position import line_of, nearest, split_path
from workbench.replay.edit import Edit, parse_path
from workbench.replay.expectation import Expectation, Strict, faults
from workbench.replay.resend import Options, Replayed
from workbench.replay.source import Source, exchange_source, file_source
from workbench.store.store import Reader

_CHAT = "/v1/chat/completions"


class Case(Strict, frozen=True):
    """One request, given in exactly one of four ways, and what is expected of its answer."""

    name: str = ""
    ask: str | None = None
    """A user message for chat completions."""
    body: dict[str, Any] | None = None
    payload: str | None = None
    """A payload file, its path relative to the suite."""
    exchange: str | None = None
    endpoint: str = _CHAT
    """Where `body` goes."""
    models: list[str] | None = None
    set: dict[str, Any] = msgspec.field(default_factory=dict)
    expect: Expectation = Expectation()


class Suite(Strict, frozen=True):
    """The file."""

    cases: Annotated[list[Case], Meta(min_length=1)]
    name: str = ""
    models: list[str] = msgspec.field(default_factory=list)
    set: dict[str, Any] = msgspec.field(default_factory=dict)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One case on one model, ready to be sent."""

    case: Case
    source: Source
    options: Options


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One case's result on one model; it passed when there is no fault."""

    case: str
    model: str
    replayed: Replayed
    faults: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every expectation held."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form: the replay's own, with the case and its faults."""
        own = {"case": self.case, "passed": self.passed, "faults": list(self.faults)}
        return {**own, **self.replayed.to_json()}


def load_suite(path: Path) -> Suite:
    """Return the suite in a file. Raises ConfigError with line, path and nearest key."""
    try:
        text = path.read_text(encoding="utf-8")
        data = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(
            f"not YAML: {getattr(error, 'problem', error)}",
            file=str(path),
            line=mark.line + 1 if mark else None,
        ) from None
    try:
        return msgspec.convert(data, Suite)
    except msgspec.ValidationError as error:
        raise _explained(error, text, path) from None


def suite_jobs(
    suite: Suite,
    reader: Reader,
    folder: Path,
    *,
    models: tuple[str, ...] = (),
    options: Options | None = None,
) -> list[Job]:
    """Return every case on each of its models. `models` and the edits of `options` win over the file's.

    Raises UsageError for a case that can't be sent or judged.
    """
    given = options or Options()
    jobs: list[Job] = []
    for number, case in enumerate(suite.cases, start=1):
        source = _source(case, f"case {number}", reader, folder)
        _check_pattern(case.expect.matches, source.name)
        if case.expect.verdict and source.original is None:
            raise UsageError(f"{source.name}: a verdict needs an original, so the case must be an exchange")
        edits = (*_edits(suite.set), *_edits(case.set), *given.edits)
        for model in models or case.models or suite.models or (None,):
            own = msgspec.structs.replace(given, model=model, edits=edits)
            jobs.append(Job(case=case, source=source, options=own))
    return jobs


def judge(job: Job, replayed: Replayed) -> Outcome:
    """Return which of the case's expectations did not hold. Pure."""
    return Outcome(
        case=job.source.name,
        model=replayed.model,
        replayed=replayed.lean(),
        faults=tuple(faults(job.case.expect, replayed.replay, replayed.comparison)),
    )


def _source(case: Case, fallback: str, reader: Reader, folder: Path) -> Source:
    name = case.name or fallback
    given = [case.ask is not None, case.body is not None, case.payload is not None, case.exchange is not None]
    if sum(given) != 1:
        raise UsageError(f"{name}: exactly one of ask, body, payload and exchange is needed")
    if case.exchange is not None:
        return msgspec.structs.replace(exchange_source(reader, case.exchange), name=name)
    if case.payload is not None:
        return msgspec.structs.replace(file_source(folder / case.payload), name=name)
    body = case.body if case.body is not None else {"messages": [{"role": "user", "content": case.ask}]}
    return Source(name=name, payload=Payload(endpoint=case.endpoint, body=msgspec.json.encode(body)))


def _check_pattern(pattern: str | None, name: str) -> None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise UsageError(f"{name}: {pattern!r} is no regular expression: {error}") from None


def _edits(settings: dict[str, Any]) -> tuple[Edit, ...]:
    return tuple(Edit(parse_path(path), value) for path, value in settings.items())


_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.S)
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


def _explained(error: msgspec.ValidationError, text: str, file: Path) -> ConfigError:
    match = _AT.match(str(error))
    what, path = (match["what"], match["path"] or "$") if match else (str(error), "$")
    steps = split_path(path)
    hint = None
    if unknown := _UNKNOWN.search(what):
        known = {field.name for kind in (Suite, Case, Expectation) for field in msgspec.structs.fields(kind)}
        near = nearest(unknown[1], known)
        what, hint = f"unknown key {unknown[1]!r}", f"did you mean {near!r}?" if near else None
        steps.append(unknown[1])
    return ConfigError(
        what, file=str(file), line=line_of(text, steps), path=path.removeprefix("$.") or None, hint=hint
    )
