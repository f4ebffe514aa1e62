"""Answers to the workflow's prompts: plans, files and repairs, with nothing remembered in between.

A repair is worked out from what the prompt shows: the gate's log says what failed, the files say how they
are now.
"""

from __future__ import annotations

import msgspec

from workbench.providers.demo_author import answers, extras
from workbench.providers.demo_author.programs import write
from workbench.providers.demo_author.project import File, Project
from workbench.providers.demo_author.prompt import Prompt


def answer(prompt: Prompt) -> str:
    """Return what an author without faults says to `prompt`."""
    project = planned(prompt)
    if project is None:
        return f"The demo has no program for the recipe {prompt.marker.recipe!r}; ask a real model."
    if prompt.marker.kind == "plan":
        return answers.plan(project, prompt.marker.recipe, prompt.wishes)
    if prompt.marker.kind == "file":
        return one_file(prompt, content(prompt, project))
    return answers.files(mended(prompt, project), prompt.marker.nonce)


def planned(prompt: Prompt) -> Project | None:
    """Return the program for `prompt`, changed as feedback to an earlier plan asks; None: unknown recipe."""
    project = write(prompt)
    if project is None:
        return None
    files = extras.revised(project, prompt.feedback, prompt.allowed)
    return msgspec.structs.replace(project, files=files)


def content(prompt: Prompt, project: Project) -> str:
    """Return the content of the file that is asked for; one that a person put into the plan is made up."""
    path = prompt.marker.path
    file = project.file(path) or extras.unplanned(path, prompt)
    return file.content


def one_file(prompt: Prompt, text: str) -> str:
    """Return the answer that holds `text` for the file that is asked for."""
    return answers.files({prompt.marker.path: text}, prompt.marker.nonce)


def mended(prompt: Prompt, project: Project) -> dict[str, str]:
    """Return path -> new content of the files to change after a failed gate.

    First the known slip: where the log shows its symptom and the file its wrong line, that line is set
    right and the rest stays as it is. Else the files that the log names are written anew, or those that they
    build on. A log that points nowhere mends nothing: one file comes back as it is.
    """
    slip = project.mistake
    before = prompt.files.get(slip.path, "")
    if slip.wrong in before and slip.right not in before and slip.shows_in(prompt.log):
        return {slip.path: before.replace(slip.wrong, slip.right, 1)}
    named = [file for file in project.files if file.path in prompt.log]
    below = {path for file in named for path in file.depends_on}
    changed = _changed(prompt, named) or _changed(
        prompt, [file for file in project.files if file.path in below]
    )
    return changed or dict(list(prompt.files.items())[:1])


def _changed(prompt: Prompt, files: list[File]) -> dict[str, str]:
    """Return path -> content of those of `files` that are not as they were written."""
    return {
        file.path: file.content
        for file in files
        if prompt.files.get(file.path, "").rstrip() != file.content.rstrip()
    }
