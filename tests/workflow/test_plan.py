"""Plans: read from what models say, checked against the recipe, put in order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workbench.workflow.plan import Plan, PlanRefused, check, digest, encode, json_schema, parse, waves


def document(*files: dict[str, Any] | str, **other: Any) -> dict[str, Any]:
    listed = [{"path": file, "purpose": "p"} if isinstance(file, str) else file for file in files]
    return {"schema_version": 1, "summary": "s", "recipe": "r", "files": listed, **other}


def checked(*files: dict[str, Any] | str, **other: Any) -> Plan:
    plan = parse(json.dumps(document(*files, **other)))
    return check(
        plan,
        recipe="r",
        allowed=["src/**/*.py", "*.md"],
        required=["src/**/*.py"],
        given={"README.md"},
        max_files=3,
    )


@pytest.mark.parametrize(
    "form", ["{}", "```json\n{}\n```", "Here is my plan:\n```\n{}\n```\nok?", "Plan: {} done"]
)
def test_a_plan_is_found_in_what_models_say(form: str) -> None:
    """Bare, fenced and surrounded JSON is read."""
    plan = parse(form.replace("{}", json.dumps(document("src/a.py"))))
    assert [file.path for file in plan.files] == ["src/a.py"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("I will write some files.", "not JSON"),
        ("", "not JSON"),
        (json.dumps({"files": [{"path": "a", "purpose": "p"}]}), "missing required field"),
        (json.dumps(document()), "length >= 1"),
        (json.dumps(document({"path": 3, "purpose": "p"})), "$.files[0].path"),
        (json.dumps({**document("a"), "schema_version": 2}), "schema_version"),
    ],
)
def test_a_malformed_plan_says_where(text: str, error: str) -> None:
    """The error names the place, so that the model can mend it."""
    with pytest.raises(PlanRefused) as refused:
        parse(text)
    assert error in refused.value.errors[0]


@pytest.mark.parametrize(
    ("files", "other", "error"),
    [
        (("src/a.py", "../b.py"), {}, "'../b.py' refused"),
        (("src/a.py", "setup.cfg"), {}, "outside the allowed paths"),
        (("src/a.py", "src/A.py"), {}, "planned twice"),
        (("src/a.py", "README.md"), {}, "belongs to the template"),
        (("notes.md",), {}, "no file fits the required path"),
        (("src/a.py", "src/b.py", "src/c.py", "src/d.py"), {}, "4 files, at most 3"),
        (("src/a.py",), {"recipe": "other"}, "recipe is 'other'"),
        (({"path": "src/a.py", "purpose": "p", "depends_on": ["src/a.py"]},), {}, "depends on itself"),
        (
            (
                {"path": "src/a.py", "purpose": "p", "depends_on": ["src/b.py"]},
                {"path": "src/b.py", "purpose": "p", "depends_on": ["src/a.py"]},
            ),
            {},
            "in a circle",
        ),
    ],
)
def test_a_plan_keeps_the_recipes_rules(files: Any, other: dict[str, Any], error: str) -> None:
    """Hostile, foreign, doubled, missing and too many paths, and circles, are refused."""
    with pytest.raises(PlanRefused) as refused:
        checked(*files, **other)
    assert any(error in one for one in refused.value.errors)


def test_all_faults_are_told_at_once() -> None:
    """One re-ask can mend everything."""
    with pytest.raises(PlanRefused) as refused:
        checked("../b.py", "x.cfg", recipe="other")
    assert len(refused.value.errors) == 4


def test_files_are_grouped_by_what_they_build_on() -> None:
    """What does not depend on each other goes at once; unplanned dependencies are no order."""
    plan = checked(
        {"path": "src/c.py", "purpose": "p", "depends_on": ["src/a.py", "src/b.py"]},
        {"path": "src/a.py", "purpose": "p", "depends_on": ["pyproject.toml"]},
        "src/b.py",
    )
    assert [[file.path for file in wave] for wave in waves(plan)] == [["src/a.py", "src/b.py"], ["src/c.py"]]


def test_a_saved_plan_reads_back_and_has_a_hash() -> None:
    """encode and parse are inverse; the hash is that of the saved bytes."""
    plan = checked("src/a.py")
    assert parse(encode(plan).decode()) == plan
    assert len(digest(encode(plan))) == 64


def test_the_schema_names_the_plans_fields() -> None:
    """What models are held to is the same struct that is checked."""
    schema = json_schema()
    assert schema["type"] == "object"
    fields = schema["properties"]
    assert list(fields) == ["schema_version", "summary", "recipe", "files", "acceptance"]
