"""Legacy completions over a chat upstream: the prompt is the user's message."""

from __future__ import annotations

from typing import Any

from workbench.domain.dialects.translation import Document, Out, Untranslatable, carried
from workbench.domain.message import as_dict, as_list, as_text

_DROPPED = frozenset({"prompt", "suffix", "echo", "best_of", "logprobs"})


def chat_from_completions(document: Document) -> Document:
    """Return the chat body for a completions body. Raises Untranslatable for several prompts or token ids."""
    prompt = document.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise Untranslatable("a chat upstream takes one prompt, as text", "prompt")
    if document.get("suffix"):
        raise Untranslatable("a chat upstream fills in no middle", "suffix")
    kept = {name: value for name, value in document.items() if name not in _DROPPED}
    return {**kept, "messages": [{"role": "user", "content": prompt}]}


def completions_answer(document: Document, asked: Document) -> Document:
    """Return the completions answer for a chat answer."""
    del asked
    choices = [
        _choice(choice, as_dict(choice.get("message")))
        for choice in map(as_dict, as_list(document.get("choices")))
    ]
    kept: Document = {name: document[name] for name in ("created", "model", "usage") if name in document}
    head: Document = {"id": _id(document), "object": "text_completion"}
    return {**head, **kept, "choices": choices, **carried(document)}


class CompletionsStream:
    """Chat chunks as completions chunks."""

    def __init__(self, asked: Document) -> None:
        self._usage_asked = bool(as_dict(asked.get("stream_options")).get("include_usage"))

    def feed(self, data: Document) -> list[Out]:
        """Take one chunk."""
        choices = [
            _choice(choice, as_dict(choice.get("delta")))
            for choice in map(as_dict, as_list(data.get("choices")))
        ]
        if not choices and not self._usage_asked:
            return []
        kept: Document = {name: data[name] for name in ("created", "model") if name in data}
        head: Document = {
            "id": _id(data),
            "object": "text_completion",
            **kept,
            "choices": choices,
            **carried(data),
        }
        return [Out({**head, "usage": data["usage"]} if data.get("usage") and self._usage_asked else head)]

    def close(self) -> list[Out]:
        """Nothing is left to say."""
        return []


def _choice(choice: Document, said: Document) -> Document:
    finish: Any = choice.get("finish_reason")
    text = as_text(said.get("content"))
    return {"index": choice.get("index", 0), "text": text, "logprobs": None, "finish_reason": finish}


def _id(document: Document) -> str:
    return "cmpl-" + as_text(document.get("id")).removeprefix("chatcmpl-")
