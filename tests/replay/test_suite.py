"""Suites say what is wrong with them, and judge answers by every expectation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.replay.builders import chat, recorded
from workbench.domain.errors import ConfigError, UsageError
from workbench.replay.compare import compare
from workbench.replay.expectation import Expectation, faults
from workbench.replay.suite import load_suite, suite_jobs

if TYPE_CHECKING:
    from tests.replay.conftest import Recorded


def write(folder: Path, text: str) -> Path:
    path = folder / "suite.yaml"
    path.write_text(text)
    return path


def test_cases_meet_their_models(recording: Recorded, tmp_path: Path) -> None:
    """A case's own models, else the suite's, else the request's; the command line wins over all."""
    path = write(
        tmp_path,
        "models: [a, b]\nset: {temperature: 0}\ncases:\n"
        "- {ask: hi}\n- {ask: ho, models: [c], set: {seed: 1}}\n",
    )
    suite = load_suite(path)
    jobs = suite_jobs(suite, recording.store, tmp_path)
    assert [(job.source.name, job.options.model) for job in jobs] == [
        ("case 1", "a"), ("case 1", "b"), ("case 2", "c"),
    ]  # fmt: skip
    assert [edit.path for edit in jobs[2].options.edits] == [("temperature",), ("seed",)]
    jobs = suite_jobs(suite, recording.store, tmp_path, models=("z",))
    assert [job.options.model for job in jobs] == ["z", "z"]


def test_a_case_is_an_ask_a_body_a_file_or_an_exchange(recording: Recorded, tmp_path: Path) -> None:
    """A payload's path is relative to the suite; only an exchange has an original."""
    exchange = recording.add()
    (tmp_path / "p.json").write_text('{"messages": []}')
    path = write(
        tmp_path,
        f"cases:\n- {{ask: hi}}\n- {{body: {{input: x}}, endpoint: /v1/responses}}\n- {{payload: p.json}}\n"
        f"- {{exchange: {exchange.id}, expect: {{verdict: similar}}}}\n",
    )
    jobs = suite_jobs(load_suite(path), recording.store, tmp_path)
    assert [job.source.payload.endpoint for job in jobs] == [
        "/v1/chat/completions", "/v1/responses", "/v1/chat/completions", "/v1/chat/completions",
    ]  # fmt: skip
    assert [job.source.original is not None for job in jobs] == [False, False, False, True]


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("cases:\n- ask: hi\n  expct: {}\n", "unknown key 'expct'", 3),
        ("cases:\n- ask: hi\n  expect:\n    status: many\n", "Expected `int | null`", 4),
        ("cases: []\n", "length", 1),
        ("cases: [\n", "not YAML", 2),
    ],
)
def test_a_wrong_file_names_line_and_key(tmp_path: Path, text: str, problem: str, line: int) -> None:
    """And the nearest right key."""
    with pytest.raises(ConfigError) as caught:
        load_suite(write(tmp_path, text))
    assert problem in caught.value.message
    assert caught.value.line == line
    if "expct" in text:
        assert "expect" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("{name: both, ask: hi, payload: x.json}", "both: exactly one"),
        ("{name: none}", "none: exactly one"),
        ("{name: v, ask: hi, expect: {verdict: same}}", "v: a verdict needs an original"),
        ("{name: r, ask: hi, expect: {matches: '('}}", "r: '\\('"),
    ],
)
def test_a_case_that_can_not_be_judged_is_refused(
    recording: Recorded, tmp_path: Path, case: str, problem: str
) -> None:
    """Before anything is sent."""
    suite = load_suite(write(tmp_path, f"cases:\n- {case}\n"))
    with pytest.raises(UsageError, match=problem):
        suite_jobs(suite, recording.store, tmp_path)


@pytest.mark.parametrize(
    ("expect", "holds"),
    [
        ({}, True),
        ({"contains": ["pine", "apple"]}, True),
        ({"contains": ["Pine"]}, False),
        ({"lacks": ["banana"]}, True),
        ({"lacks": ["apple"]}, False),
        ({"matches": "p.ne"}, True),
        ({"matches": "^apple"}, False),
        ({"tools": ["look"]}, True),
        ({"tools": []}, False),
        ({"finish_reason": "stop"}, True),
        ({"finish_reason": "length"}, False),
        ({"json": True}, False),
        ({"status": 200}, True),
        ({"status": 400}, False),
        ({"max_latency_ms": 10}, True),
        ({"max_latency_ms": 9}, False),
        ({"max_output_tokens": 3}, False),
        ({"max_cost_usd": 0.01}, False),
        ({"verdict": "same"}, True),
    ],
)
def test_every_expectation_counts(expect: dict[str, Any], holds: bool) -> None:
    """One sentence for each that does not hold."""
    answer = recorded(
        chat("pineapple", calls=[("look", "{}")]), latency_ms=10.0, output_tokens=4, cost_usd=0.02
    )
    found = faults(Expectation(**expect), answer, compare(answer, answer))
    assert len(found) == (0 if holds else 1)


def test_an_error_is_a_fault_unless_it_is_expected() -> None:
    """Without `status` the answer must be whole and successful."""
    answer = recorded({"error": {"message": "no"}}, status=400)
    assert faults(Expectation(), answer, None) == ["status 400: no"]
    assert faults(Expectation(status=400, contains=["no"]), answer, None) == []
