"""Python libraries pass their gates, whatever the brief, and other briefs give other libraries."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.providers.demo_author.talk import NASTY, Talk, random_brief, rng, run_gate

GATES = ("lint", "tests")
KNOWN = {
    "a slug library with tests": "slug",
    "celsius to fahrenheit": "temperature",
    "count the sentences of a text": "text_stats",
    "roman numerals up to 3000": "roman",
    "a caesar cipher with shift 7": "caesar",
    "kitchen weight units": "units",
    "split a bill in yen": "money",
    "merge overlapping intervals": "intervals",
    "track parcels on their way": "tracker",
    "parse durations of a sprint": "duration",
    "guess what was meant by a typo": "similarity",
    "an lru cache": "cache",
    "prime numbers": "primes",
}


@pytest.mark.parametrize(("brief", "module"), KNOWN.items())
def test_each_domain_is_found_by_its_words_and_passes_its_gates(
    brief: str, module: str, tmp_path: Path
) -> None:
    """A brief's words choose the domain; its library passes every gate but types."""
    talk = Talk("python-lib", brief)
    files = talk.files()
    assert f"src/{talk.values['package']}/{module}.py" in files
    talk.write(tmp_path, files)
    _pass(talk, tmp_path)


def test_random_briefs_give_libraries_that_pass_their_gates(tmp_path: Path) -> None:
    """Briefs that nobody has seen give programs that pass, all of them different, tests included."""
    random_ = rng()
    seen: set[str] = set()
    tests: set[str] = set()
    for number in range(6):
        talk = Talk("python-lib", random_brief(random_))
        files = talk.files()
        talk.write(tmp_path / str(number), files)
        _pass(talk, tmp_path / str(number))
        seen.add("".join(files[path] for path in files if path.startswith("src/")))
        tests.add("".join(files[path] for path in files if path.startswith("tests/")))
    assert len(seen) == len(tests) == 6


@pytest.mark.parametrize("brief", NASTY, ids=range(len(NASTY)))
def test_hostile_briefs_stay_data(brief: str, tmp_path: Path) -> None:
    """Quotes, fences, markers, escapes and 10,000 characters in a brief give a library that passes."""
    talk = Talk("python-lib", brief)
    talk.write(tmp_path)
    _pass(talk, tmp_path)


def test_types_hold_under_mypy_strict(tmp_path: Path) -> None:
    """One library of each domain in one folder satisfies mypy --strict."""
    for number, brief in enumerate([*KNOWN, "a beehive register"]):
        talk = Talk("python-lib", f"{brief} v{'abcdefghijklmnop'[number]}xx")
        talk.write(tmp_path, {path: text for path, text in talk.files().items() if path.endswith(".py")})
    outcome = run_gate(talk, "types", tmp_path)
    assert outcome.returncode == 0, outcome.stdout


@given(st.text(max_size=300))
@example("LPT0")
@example("json")
@settings(max_examples=60, deadline=None)
def test_any_text_gives_python_that_compiles_and_asserts(brief: str) -> None:
    """Whatever the brief, all Python parses, and every test of every test file asserts something."""
    for path, text in Talk("python-lib", brief).files().items():
        if path.endswith(".py"):
            tree = ast.parse(text)
            tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and _is_test(node)]
            assert bool(tests) == path.startswith("tests/")
            assert all(_asserts(test) for test in tests)


def test_the_same_brief_gives_the_same_library() -> None:
    """Nothing but the brief decides."""
    brief = random_brief(rng())
    assert Talk("python-lib", brief).files() == Talk("python-lib", brief).files()


@pytest.mark.parametrize("brief", [*KNOWN, "a beehive register"])
def test_flaky_fails_a_real_gate_and_mends_it_from_the_log(brief: str, tmp_path: Path) -> None:
    """demo-flaky's library fails the tests once; mended after reading the log it is demo's, which passes."""
    talk = Talk("python-lib", brief, "demo-flaky")
    files = talk.files()
    talk.write(tmp_path, files)
    failed = run_gate(talk, "tests", tmp_path)
    assert failed.returncode == 1
    repaired = talk.repair("tests", failed.stdout, files)
    assert len(repaired) == 1
    assert files | repaired == Talk("python-lib", brief).files()


def test_flaky_reads_the_log_and_counts_nothing(tmp_path: Path) -> None:
    """The same log gives the same repair at any time; a log of something else does not mend the slip."""
    talk = Talk("python-lib", "a slug library", "demo-flaky")
    files = talk.files()
    talk.write(tmp_path, files)
    log = run_gate(talk, "tests", tmp_path).stdout
    first, second = (talk.repair("tests", log, files) for _ in range(2))
    assert first == second
    assert first != files
    broken = files | {"README.md": "# nothing\n"}
    assert set(talk.repair("lint", "README.md: a dead link", broken)) == {"README.md"}
    untold = talk.repair("tests", "the machine ran out of memory", files)
    assert untold.items() <= files.items()


def test_a_broken_file_is_written_anew() -> None:
    """After somebody's edit broke a file, the repair brings back the one that the log names."""
    talk = Talk("python-lib", "roman numerals")
    files = talk.files()
    path = next(path for path in files if path.endswith("roman.py"))
    mended = talk.repair("compile", f'File "{path}", line 1: SyntaxError', files | {path: "def ("})
    assert mended == {path: files[path]}


def _pass(talk: Talk, folder: Path) -> None:
    for gate in GATES:
        outcome = run_gate(talk, gate, folder)
        assert outcome.returncode == 0, f"{talk.brief[:80]!r} {gate}: {outcome.stdout}{outcome.stderr}"


def _is_test(node: ast.FunctionDef) -> bool:
    return node.name.startswith("test_")


def _asserts(test: ast.FunctionDef) -> bool:
    raises = [node for node in ast.walk(test) if isinstance(node, ast.Attribute) and node.attr == "raises"]
    return bool(raises) or any(isinstance(node, ast.Assert) for node in ast.walk(test))
