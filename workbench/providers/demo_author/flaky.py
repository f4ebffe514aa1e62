"""demo-flaky: right in everything but one line, and able to find that line by the failed gate's log.

It counts nothing and remembers nothing. Its plan and files are demo's, but for the slip in the file
itself; a repair mends the slip when the log shows its symptom and the file its wrong line, as demo would.
"""

from __future__ import annotations

from workbench.providers.demo_author import workflow
from workbench.providers.demo_author.prompt import Prompt


def answer(prompt: Prompt) -> str:
    """Return demo's answer, with the one mistake where the mistaken file is written for the first time."""
    project = workflow.planned(prompt)
    if project is None or prompt.marker.kind != "file" or prompt.marker.path != project.mistake.path:
        return workflow.answer(prompt)
    slip = project.mistake
    text = workflow.content(prompt, project)
    return workflow.one_file(prompt, text.replace(slip.right, slip.wrong, 1))
