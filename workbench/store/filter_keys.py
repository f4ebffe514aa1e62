"""The keys of the filter language, what their values look like, and help in writing them."""

from __future__ import annotations

import difflib
from typing import Literal

import msgspec

Kind = Literal[
    "text", "name", "number", "money", "duration", "size", "moment", "choice", "words", "pattern", "id"
]
"""name: exact or with ``*``. text: anywhere, any case. words: the full-text index. pattern: a regular
expression.
"""


class Key(msgspec.Struct, frozen=True):
    """One key: what its value is, the column it looks at, and a sentence for people."""

    name: str
    kind: Kind
    about: str
    column: str = ""
    choices: tuple[str, ...] = ()


YES = ("yes", "no")
STATES = ("running", "complete", "interrupted", "failed")
MARKS = (
    "pinned",
    "replay",
    "running",
    "complete",
    "interrupted",
    "failed",
    "error",
    "stream",
    "cached",
    "redacted",
)
PARTS = ("note", "name", "tag", "tool", "error", "run", "session", "cost", "replay")

KEYS: dict[str, Key] = {
    key.name: key
    for key in (
        Key("text", "words", 'words said: text:timeout, text:"exact phrase", text:time*'),
        Key("regex", "pattern", "a regular expression over what was said; slow, newest first"),
        Key("model", "name", "the model group asked for: model:gpt*", "model"),
        Key("provider", "name", "who answered", "provider"),
        Key("deployment", "name", "id of the deployment that answered", "deployment"),
        Key("endpoint", "name", "path: endpoint:/v1/messages, endpoint:*embeddings", "endpoint"),
        Key("tenant", "name", "who pays", "tenant"),
        Key("status", "number", "HTTP status: status:404, status:>=400, status:4xx", "status"),
        Key("state", "choice", "how far it got", "state", STATES),
        Key("finish", "name", "finish reason of the answer", "finish_reason"),
        Key("error", "name", "error code: error:upstream*", "error_code"),
        Key("since", "moment", "not older than: since:2h, since:2026-11-20"),
        Key("until", "moment", "older than: until:1d"),
        Key("cost", "money", "USD: cost:>0.01", "cost_usd"),
        Key(
            "tokens",
            "number",
            "input and output together",
            "(coalesce(e.input_tokens, 0) + coalesce(e.output_tokens, 0))",
        ),
        Key("input", "number", "input tokens", "input_tokens"),
        Key("output", "number", "output tokens", "output_tokens"),
        Key("latency", "duration", "until the last byte: latency:>5s", "latency_us"),
        Key("ttft", "duration", "until the first byte: ttft:>1s", "ttft_us"),
        Key("attempts", "number", "tries of deployments: attempts:>1", "attempts"),
        Key("size", "size", "bytes of both bodies: size:>1MB", "(e.request_bytes + e.response_bytes)"),
        Key("stream", "choice", "streamed or not", "stream", YES),
        Key("cached", "choice", "answered from the cache", "cache", YES),
        Key("cache", "choice", "what the cache did", "cache", ("hit", "miss", "off")),
        Key("run", "id", "id or name of a run"),
        Key("session", "id", "id or name of a session"),
        Key("step", "name", "step of a workflow run", "step"),
        Key("tag", "name", "a tag"),
        Key("tool", "name", "a tool the model called"),
        Key("note", "text", "words in the note", "note"),
        Key("name", "name", "the name it was given", "name"),
        Key("client", "text", "in the client's User-Agent", "client"),
        Key("request", "name", "the request id that the client sent", "request_id"),
        Key("replay", "id", "replays of this exchange", "replay_of"),
        Key("id", "id", "beginning of its id", "id"),
        Key("has", "choice", "what is there", "", PARTS),
        Key("is", "choice", "what it is", "", MARKS),
        Key(
            "sort",
            "choice",
            "with text: the best match first instead of the newest",
            "",
            ("newest", "relevance"),
        ),
    )
}


def nearest(word: str, known: tuple[str, ...]) -> str | None:
    """Return the known word most like `word`, if one is like it."""
    starts = [name for name in known if word and name.startswith(word)]
    found = starts or difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return found[0] if found else None


def complete(text: str, position: int | None = None) -> list[str]:
    """Return what may stand at `position`: keys with their colon, or a key's fixed values.

    Each is the whole word to put in place of the one that is being written.
    """
    before = text[: len(text) if position is None else position]
    word = before.replace("(", " ").rsplit(" ", 1)[-1]
    mark = "!" if word.startswith("!") else ""
    name, colon, value = word.removeprefix("!").partition(":")
    if not colon:
        return [f"{mark}{key}:" for key in KEYS if key.startswith(name)]
    key = KEYS.get(name)
    choices = key.choices if key else ()
    return [f"{mark}{name}:{choice}" for choice in choices if choice.startswith(value)]
