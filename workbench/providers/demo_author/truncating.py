"""demo-truncating: cut short like a model that runs into its token limit, until it is given more room.

A file is cut in the middle while the request's cap is `ENOUGH_TOKENS` or less, and whole above it (a
workflow doubles its cap once). Without a cap it is cut too: some servers have a small default.
"""

from __future__ import annotations

from workbench.providers.demo_author import workflow
from workbench.providers.demo_author.prompt import Prompt

ENOUGH_TOKENS = 8192


def answer(prompt: Prompt, max_tokens: int | None) -> tuple[str, bool]:
    """Return demo's answer, and whether it was cut in the middle of a file."""
    text = workflow.answer(prompt)
    if prompt.marker.kind == "plan" or (max_tokens or 0) > ENOUGH_TOKENS:
        return text, False
    return text[: len(text) // 2], True
