"""What a run of the tests left out, by name and reason, at its end: a quiet gap looks like a pass.

Skipped tests are named with their reason; tests that were left to another command, with that command. A
pytest plugin; with xdist the workers tell the controller, which prints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

ELSEWHERE = {"slow": "long: make qa-long runs them", "net": "call real providers: QA_NET=1 make qa runs them"}
"""Marker of tests that a run may leave to another one -> why."""

_left: dict[str, set[str]] = {marker: set() for marker in ELSEWHERE}


def pytest_deselected(items: Iterable[pytest.Item]) -> None:
    """Note the tests that a marker keeps out of this run."""
    for item in items:
        for marker, names in _left.items():
            if item.get_closest_marker(marker) is not None:
                names.add(item.nodeid.partition("[")[0])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controller, in a worker of xdist."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = {marker: sorted(names) for marker, names in _left.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker told."""
    for marker, names in getattr(node, "workeroutput", {}).get("left_out", {}).items():
        _left[marker].update(names)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was left out."""
    skipped = Counter(
        (report.nodeid.partition("[")[0], _reason(report))
        for report in terminalreporter.getreports("skipped")
    )
    if not skipped and not any(_left.values()):
        return
    terminalreporter.section("left out")
    for (name, reason), count in sorted(skipped.items()):
        times = f" ({count} cases)" if count > 1 else ""
        terminalreporter.line(f"skipped: {name}{times}: {reason}")
    for marker, why in ELSEWHERE.items():
        for name in sorted(_left[marker]):
            terminalreporter.line(f"not in this run: {name}: {why}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    told = report.longrepr
    text = str(told[2] if isinstance(told, tuple) else told)
    return text.removeprefix("Skipped: ") or "no reason given"
