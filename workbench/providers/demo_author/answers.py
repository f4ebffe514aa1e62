"""The forms of answers to workflow prompts: a plan as JSON, files between fences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from workbench.providers.demo_author.project import File, Project
from workbench.providers.demo_author.prompt import WISH


def plan(project: Project, recipe: str, wishes: Iterable[str] = ()) -> str:
    """Return the plan of `project` as one JSON object; wishes become acceptance."""
    quoted = [f"{WISH}{wish}" for wish in wishes]
    document = {
        "schema_version": 1,
        "summary": project.summary,
        "recipe": recipe,
        "files": [_planned(file) for file in project.files],
        "acceptance": [*project.acceptance, *quoted],
    }
    return json.dumps(document, indent=2)


def files(contents: Mapping[str, str], nonce: str) -> str:
    """Return whole files, path -> content, each between its fences."""
    return "\n".join(
        f"=== FILE {nonce} {path}\n{text.rstrip()}\n=== END {nonce}" for path, text in contents.items()
    )


def _planned(file: File) -> dict[str, object]:
    return {
        "path": file.path,
        "action": "create",
        "purpose": file.purpose,
        "depends_on": list(file.depends_on),
    }
