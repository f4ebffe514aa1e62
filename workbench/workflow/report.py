"""The end of a run as files: ``report.json`` for people and scripts, ``junit.xml`` for other people's CI."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import msgspec

from workbench.domain.times import iso
from workbench.workflow.artifacts import RunFolder, State
from workbench.workflow.gates import GateResult
from workbench.workflow.paths import read_inside, write_atomic
from workbench.workflow.recipe import Gate
from workbench.workflow.smoke import SmokeReport

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_JUNIT = 2 * 1024 * 1024


class RunReport(msgspec.Struct, kw_only=True):
    """What a run came to. `exit_code` is design section 8."""

    run: str
    status: str
    stop_reason: str
    exit_code: int
    title: str
    brief: str
    recipe: str
    model: str
    sandbox: str = ""
    path: str = ""
    """The app's folder."""
    started_at: int = 0
    ended_at: int = 0
    plan: dict[str, Any] | None = None
    plan_hash: str | None = None
    steps: list[dict[str, Any]] = []
    gates: list[GateResult] = []
    repairs: int = 0
    smoke: SmokeReport | None = None
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    parent: str | None = None

    @property
    def duration_ms(self) -> float:
        """From the start (of a resume: of the first process) to the end."""
        return (self.ended_at - self.started_at) / 1000

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        data["started_at"], data["ended_at"] = iso(self.started_at), iso(self.ended_at)
        data["duration_ms"] = round(self.duration_ms, 1)
        return data


def add_steps(report: RunReport, state: State) -> None:
    """Copy steps and sums from the state into the report."""
    report.steps = [msgspec.to_builtins(step) for step in state.steps]
    for step in report.steps:
        step["started_at"], step["ended_at"] = iso(step["started_at"]), iso(step["ended_at"])
        step["detail"].pop("gates", None)
    spent = state.spent
    report.calls, report.cost_usd = spent.calls, round(spent.usd, 6)
    report.input_tokens, report.output_tokens = spent.input_tokens, spent.output_tokens


def write(report: RunReport, folder: RunFolder, app: Path, gates: list[Gate]) -> None:
    """Write both files of a run that ended."""
    write_atomic(folder.report_file, msgspec.json.format(msgspec.json.encode(report.to_json()), indent=2))
    write_atomic(folder.junit_file, junit(report, app, gates))


def junit(report: RunReport, app: Path, gates: list[Gate]) -> bytes:
    """Return JUnit XML: a suite of the gates (and of the smoke's checks), and the gates' own suites."""
    root = ET.Element("testsuites", name=f"workbench {report.run}")
    cases: list[tuple[str, float, str | None, str]] = [
        (gate.name, gate.duration_ms / 1000, None if gate.passed else gate.reason or "failed", gate.tail)
        for gate in report.gates
    ]
    ran = {gate.name for gate in report.gates}
    _suite(root, "gates", cases, [gate.name for gate in gates if gate.name not in ran])
    if report.smoke is not None:
        checks = [(check.what, 0.0, check.problem or None, check.problem) for check in report.smoke.checks]
        _suite(root, "web_smoke", checks, [])
    for gate in gates:
        if gate.junit and gate.name in ran:
            root.extend(_own_suites(app, gate))
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _suite(
    root: ET.Element, name: str, cases: list[tuple[str, float, str | None, str]], skipped: list[str]
) -> None:
    suite = ET.SubElement(root, "testsuite", name=name)
    suite.set("tests", str(len(cases) + len(skipped)))
    suite.set("failures", str(sum(1 for case in cases if case[2] is not None)))
    suite.set("skipped", str(len(skipped)))
    for title, seconds, problem, text in cases:
        case = ET.SubElement(suite, "testcase", classname=name, name=_xml(title), time=f"{seconds:.3f}")
        if problem is not None:
            failure = ET.SubElement(
                case, "failure", message=_xml(problem.splitlines()[0] if problem else "failed")
            )
            failure.text = _xml(text)
    for title in skipped:
        ET.SubElement(ET.SubElement(suite, "testcase", classname=name, name=_xml(title)), "skipped")


def _own_suites(app: Path, gate: Gate) -> list[ET.Element]:
    """Return the suites of a gate's own JUnit file; one that is missing or broken is left out."""
    text = read_inside(app, gate.junit or "")
    if text is None or len(text) > _MAX_JUNIT or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return []
    try:
        found = ET.fromstring(text)  # noqa: S314 - no document type and no entities, see above
    except ET.ParseError:
        return []
    suites = [found] if found.tag == "testsuite" else list(found.iter("testsuite"))
    for suite in suites:
        suite.set("name", f"{gate.name}: {suite.get('name', '')}")
    return suites


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
