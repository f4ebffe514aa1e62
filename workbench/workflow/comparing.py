"""Two workflow runs side by side: plan, files, gates, repairs, tokens, cost, time."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import msgspec

from workbench.domain.errors import UnknownId
from workbench.settings.home import Home
from workbench.workflow.paths import read_inside

_NAMES = (
    *("title", "recipe", "model", "status", "stop_reason", "repairs", "calls"),
    *("input_tokens", "output_tokens", "cost_usd", "duration_ms"),
)
MAX_DIFF = 400
"""Lines of diff kept for one file."""


class FileDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One planned file that is not the same in both: only in one, or changed."""

    path: str
    kind: str
    """``only in first``, ``only in second`` or ``changed``."""
    diff: str = ""


class RunComparison(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two runs; equal facts are in it too, files only when they differ."""

    first: str
    second: str
    facts: dict[str, tuple[Any, Any]]
    files: list[FileDifference]
    same_files: int


def compare_runs(home: Home, first: str, second: str) -> RunComparison:
    """Compare two runs that ended, by their reports and the files they planned. Raises UnknownId."""
    reports = [_report(home, run) for run in (first, second)]
    a, b = (_facts(report) for report in reports)
    paths = [_planned(report) for report in reports]
    differences = []
    for path in sorted({*paths[0], *paths[1]}):
        texts = [read_inside(home.generated / run, path) for run in (first, second)]
        if texts[0] != texts[1]:
            differences.append(_difference(path, texts[0], texts[1]))
    return RunComparison(
        first=first,
        second=second,
        facts={name: (a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b])},
        files=differences,
        same_files=len({*paths[0], *paths[1]}) - len(differences),
    )


def _report(home: Home, run: str) -> dict[str, Any]:
    path: Path = home.runs / run / "report.json"
    try:
        report: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        raise UnknownId("run with a report", run, hint="workbench runs list --kind workflow") from None
    return report


def _planned(report: dict[str, Any]) -> list[str]:
    return [file["path"] for file in (report.get("plan") or {}).get("files", [])]


def _facts(report: dict[str, Any]) -> dict[str, Any]:
    facts = {name: report.get(name) for name in _NAMES}
    facts["files"] = len(_planned(report))
    for gate in report.get("gates", []):
        facts[f"gate {gate['name']}"] = "passed" if gate["passed"] else "failed"
    return facts


def _difference(path: str, first: str | None, second: str | None) -> FileDifference:
    if first is None or second is None:
        return FileDifference(path=path, kind="only in second" if first is None else "only in first")
    lines = list(difflib.unified_diff(first.splitlines(), second.splitlines(), path, path, lineterm=""))
    cut = [*lines[:MAX_DIFF], f"... {len(lines) - MAX_DIFF} more lines"] if len(lines) > MAX_DIFF else lines
    return FileDifference(path=path, kind="changed", diff="\n".join(cut))
