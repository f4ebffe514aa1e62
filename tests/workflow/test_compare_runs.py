"""Two runs side by side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflow.conftest import Bench, file_of, plan_of
from workbench.domain.errors import UnknownId
from workbench.domain.marker import Marker
from workbench.workflow.comparing import compare_runs

pytestmark = pytest.mark.sandbox


async def test_what_differs_is_shown(bench: Bench) -> None:
    """Facts of both runs, files that differ with their diff, files that only one planned."""

    def speak(files: dict[str, str]) -> Any:
        def say(marker: Marker, messages: list[dict[str, Any]]) -> str:
            return plan_of(*files) if marker.kind == "plan" else file_of(marker, files[marker.path])

        return say

    bench.model.speak = speak({"main.py": "print(1)", "same.py": "A = 1"})
    first = await bench.generate()
    bench.model.speak = speak({"main.py": "print(2)", "same.py": "A = 1", "more.py": "B = 1"})
    second = await bench.generate("another brief")
    result = compare_runs(bench.home, first.run, second.run)
    assert result.facts["title"] == ("a small program", "another brief")
    assert result.facts["gate run"] == ("passed", "passed")
    assert result.facts["files"] == (2, 3)
    assert [(file.path, file.kind) for file in result.files] == [
        ("main.py", "changed"),
        ("more.py", "only in second"),
    ]
    assert "-print(1)\n+print(2)" in result.files[0].diff
    assert result.same_files == 1


async def test_a_run_without_report_is_unknown(bench: Bench) -> None:
    """Only runs that ended can be compared."""
    with pytest.raises(UnknownId):
        compare_runs(bench.home, "run_a", "run_b")
