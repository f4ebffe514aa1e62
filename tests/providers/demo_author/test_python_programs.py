"""Command lines and services around the domains: they pass their gates, and what they wrap still decides."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.demo_author.talk import NASTY, Talk, random_brief, rng, run_gate
from tests.providers.demo_author.test_python_lib import KNOWN

GATES = ("lint", "tests")


@pytest.mark.parametrize("brief", [*KNOWN, "a beehive register"])
def test_a_command_line_passes_its_gates(brief: str, tmp_path: Path) -> None:
    """Every domain has subcommands whose output, errors and exit codes are tested."""
    talk = Talk("python-cli", brief)
    talk.write(tmp_path)
    _pass(talk, tmp_path)


@pytest.mark.parametrize("brief", [NASTY[6], NASTY[10]], ids=range(2))
def test_a_command_line_survives_hostile_briefs(brief: str, tmp_path: Path) -> None:
    """Quotes and escapes stay data here too."""
    talk = Talk("python-cli", brief)
    talk.write(tmp_path)
    _pass(talk, tmp_path)


def test_a_random_command_line_is_mended_after_its_log(tmp_path: Path) -> None:
    """demo-flaky fails the tests of a program nobody has seen, and mends it from the log."""
    talk = Talk("python-cli", random_brief(rng()), "demo-flaky")
    files = talk.files()
    talk.write(tmp_path, files)
    failed = run_gate(talk, "tests", tmp_path)
    assert failed.returncode == 1, failed.stdout
    talk.write(tmp_path, files | talk.repair("tests", failed.stdout, files))
    _pass(talk, tmp_path)


def test_types_hold_under_mypy_strict(tmp_path: Path) -> None:
    """The wrapping satisfies mypy --strict for a domain with special parameter types, and one without."""
    for brief in ("celsius to fahrenheit scales", "merge overlapping spans of days"):
        talk = Talk("python-cli", brief)
        talk.write(tmp_path / brief[:7])
        outcome = run_gate(talk, "types", tmp_path / brief[:7])
        assert outcome.returncode == 0, outcome.stdout


@given(st.text(max_size=200))
@settings(max_examples=40, deadline=None)
def test_any_text_gives_services_that_parse(brief: str) -> None:
    """Whatever the brief, all Python of a service parses, and an endpoint is there for each command."""
    files = Talk("fastapi-service", brief).files()
    trees = {path: ast.parse(text) for path, text in files.items() if path.endswith(".py")}
    commands = {node.name for node in trees["service/commands.py"].body if isinstance(node, ast.FunctionDef)}
    endpoints = {node.name for node in trees["service/main.py"].body if isinstance(node, ast.FunctionDef)}
    assert {name for name in commands if not name.startswith("_")} <= endpoints


@pytest.mark.parametrize("brief", [*KNOWN, "a beehive register"])
def test_a_service_is_clean(brief: str, tmp_path: Path) -> None:
    """The linter finds nothing; what needs FastAPI itself runs in the recipe's own environment."""
    talk = Talk("fastapi-service", brief)
    talk.write(tmp_path)
    outcome = run_gate(talk, "lint", tmp_path)
    assert outcome.returncode == 0, outcome.stdout


def _pass(talk: Talk, folder: Path) -> None:
    for gate in GATES:
        outcome = run_gate(talk, gate, folder)
        assert outcome.returncode == 0, f"{talk.brief[:80]!r} {gate}: {outcome.stdout}{outcome.stderr}"
