"""The plan: which files, why, in which order. Checked twice: by its schema, then against the recipe."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from workbench.domain.errors import UnusableAnswer
from workbench.workflow.brief import variables
from workbench.workflow.paths import PathRefused, check_path
from workbench.workflow.recipe import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from workbench.workflow.library import Kit

Sentence = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*?)```", re.S)


class PlannedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a plan."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    action: Literal["create", "modify"] = "create"
    purpose: Sentence
    depends_on: list[str] = []
    """Planned files that this one builds on; they are written first and shown to the model."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the model means to do; no code in it. Schema version 1."""

    schema_version: Literal[1] = 1
    summary: Sentence
    recipe: str
    files: Annotated[list[PlannedFile], msgspec.Meta(min_length=1)]
    acceptance: list[str] = []


class PlanRefused(UnusableAnswer):
    """A plan that can't be used; `errors` are sentences the model is told."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("the plan can't be used: " + "; ".join(errors))
        self.errors = errors


def json_schema() -> dict[str, object]:
    """Return the plan's JSON schema. Its root is the object itself: some endpoints follow no references."""
    whole = msgspec.json.schema(Plan)
    parts = whole["$defs"]
    return {**parts.pop("Plan"), "$defs": parts}


def parse(text: str) -> Plan:
    """Return the plan in a model's answer: bare JSON, or fenced, or with talk around it.

    Raises PlanRefused. Only the form is checked here; `check` does the rest.
    """
    error = "no JSON object in the answer"
    for candidate in _candidates(text):
        try:
            return msgspec.json.decode(candidate, type=Plan)
        except msgspec.ValidationError as problem:
            raise PlanRefused([str(problem)]) from None
        except msgspec.DecodeError as problem:
            error = f"not JSON: {problem}"
    raise PlanRefused([error])


def _candidates(text: str) -> Iterable[str]:
    yield text.strip()
    yield from (match.strip() for match in _FENCE.findall(text))
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        yield text[start : end + 1]


def check(
    plan: Plan,
    *,
    recipe: str,
    allowed: list[str],
    required: list[str],
    given: Collection[str],
    max_files: int,
) -> Plan:
    """Return `plan` when it keeps the recipe's rules; `given` are the template's paths.

    Raises PlanRefused with every fault at once, so that one more answer can mend them all.
    """
    errors = [*_path_errors(plan, allowed, given), *_link_errors(plan)]
    if plan.recipe != recipe:
        errors.append(f"recipe is {plan.recipe!r}, not {recipe!r}")
    if len(plan.files) > max_files:
        errors.append(f"{len(plan.files)} files, at most {max_files} are allowed")
    paths = [file.path for file in plan.files]
    errors += [
        f"no file fits the required path {pattern!r}"
        for pattern in required
        if not any(matches(pattern, path) for path in paths)
    ]
    if errors:
        raise PlanRefused(errors)
    return plan


def check_for(kit: Kit, brief: str, plan: Plan) -> Plan:
    """Return `plan` when it keeps the rules of the kit's recipe. Raises PlanRefused."""
    recipe = kit.recipe
    return check(
        plan,
        recipe=recipe.name,
        allowed=recipe.allowed,
        required=recipe.required,
        given=kit.template(variables(brief)),
        max_files=recipe.limits.max_files,
    )


def _path_errors(plan: Plan, allowed: list[str], given: Collection[str]) -> Iterable[str]:
    seen: set[str] = set()
    for file in plan.files:
        try:
            check_path(file.path)
        except PathRefused as refused:
            yield refused.message
            continue
        if file.path.casefold() in seen:
            yield f"{file.path!r} is planned twice"
        seen.add(file.path.casefold())
        if file.path in given:
            yield f"{file.path!r} belongs to the template and is there already"
        elif not any(matches(pattern, file.path) for pattern in allowed):
            yield f"{file.path!r} is outside the allowed paths ({', '.join(allowed)})"


def _link_errors(plan: Plan) -> Iterable[str]:
    for file in plan.files:
        for other in file.depends_on:
            if other == file.path:
                yield f"{file.path!r} depends on itself"
    try:
        waves(plan)
    except ValueError as error:
        yield str(error)


def waves(plan: Plan) -> list[list[PlannedFile]]:
    """Return the files in groups: each group builds only on earlier ones, so its files may go at once.

    A dependency on a file that is not planned (one of the template, say) is no order. Raises ValueError
    when the files depend on each other in a circle.
    """
    planned = {file.path for file in plan.files}
    done: set[str] = set()
    left = list(plan.files)
    groups: list[list[PlannedFile]] = []
    while left:
        ready = [file for file in left if all(other in done for other in file.depends_on if other in planned)]
        if not ready:
            msg = "these files depend on each other in a circle: " + ", ".join(file.path for file in left)
            raise ValueError(msg)
        groups.append(ready)
        done |= {file.path for file in ready}
        left = [file for file in left if file.path not in done]
    return groups


def encode(plan: Plan) -> bytes:
    """Return the bytes of ``plan.json``."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"


def digest(data: bytes) -> str:
    """Return the SHA-256 of saved bytes, hexadecimal."""
    return hashlib.sha256(data).hexdigest()
