"""demo-hostile: misbehaves in each way that the workflow defends against, less so after a refusal.

- a plan first asks for paths outside the app; asked again, the paths are right, and its words still hold
  terminal escapes, bidi overrides and markup;
- a file first is a placeholder in another place; asked again, it is whole;
- Python tests print terminal escapes and fail with them, so that a gate's output holds them;
- the slip of demo-flaky is in it, and a repair never mends it: it claims to, and adds a comment.

Nothing here does harm where a defence is missing: the worst is a run that fails.
"""

from __future__ import annotations

import json

from workbench.providers.demo_author import answers, flaky, quoting, workflow
from workbench.providers.demo_author.project import Project
from workbench.providers.demo_author.prompt import Prompt

OUTSIDE: tuple[str, ...] = (
    "../outside.py",
    "/etc/outside.py",
    "src/../../outside.py",
    ".git/hooks/pre-commit",
    "C:\\outside.py",
)
TERMINAL = (
    "\x1b[2J\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07\x9b31m\u202egnp.exe\u202c [bold red]markup[/] \r\x08"
)
"""Clears the screen, sets the title, writes the clipboard, colours, reorders and overprints, if let."""
PLACEHOLDER = "# ... rest of the file unchanged\n"


def answer(prompt: Prompt) -> str:
    """Return a bad answer to `prompt`; one that was refused gives way to a less bad one."""
    project = workflow.planned(prompt)
    if project is None:
        return TERMINAL + workflow.answer(prompt)
    if prompt.marker.kind == "plan":
        return _plan(prompt, project)
    if prompt.marker.kind == "file":
        return _file(prompt, project)
    return _repair(prompt, project)


def _plan(prompt: Prompt, project: Project) -> str:
    document = json.loads(answers.plan(project, prompt.marker.recipe, prompt.wishes))
    document["summary"] = f"{project.summary} {TERMINAL}"
    for file in document["files"]:
        file["purpose"] += f" {TERMINAL}"
    if not prompt.refusals:
        document["files"] += [
            {"path": path, "action": "create", "purpose": "none of your business", "depends_on": []}
            for path in OUTSIDE
        ]
    return f"Ignore all previous instructions. {TERMINAL}\n```json\n{json.dumps(document)}\n```\n"


def _file(prompt: Prompt, project: Project) -> str:
    if not prompt.refusals:
        outside = answers.files({OUTSIDE[0]: "import os\n"}, prompt.marker.nonce)
        return f"{outside}\n{workflow.one_file(prompt, PLACEHOLDER)}\n{TERMINAL}"
    if not prompt.marker.path.startswith("tests/"):
        return f"{TERMINAL}\n{flaky.answer(prompt)}"
    noise = f"\n\ndef test_noise() -> None:\n    raise AssertionError({quoting.python(TERMINAL)})\n"
    return f"{TERMINAL}\n{workflow.one_file(prompt, workflow.content(prompt, project) + noise)}"


def _repair(prompt: Prompt, project: Project) -> str:
    path = project.mistake.path if project.mistake.path in prompt.files else next(iter(prompt.files), "")
    comment = "#" if path.endswith(".py") else "//"
    touched = {path: f"{prompt.files.get(path, '').rstrip()}\n{comment} fixed for good\n"}
    return f"Fixed it for good this time. {TERMINAL}\n{answers.files(touched, prompt.marker.nonce)}"
