"""What was said, whichever dialect said it: messages made of parts.

For reading only (showing, searching, comparing). Nothing is ever sent from these values, so they may
leave out what they do not know, but they keep its raw JSON where it is short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

PartKind = Literal[
    "text", "image", "audio", "file", "tool_call", "tool_result", "reasoning", "refusal", "other"
]


class Part(msgspec.Struct, kw_only=True):
    """A piece of a message.

    `text` is the words, a tool call's arguments as JSON text, or a tool's result; for an image or file
    it is a short description (``image/png, 12.3 kB`` or its URL).
    """

    kind: PartKind
    text: str = ""
    name: str | None = None
    """Tool name, or file name."""
    id: str | None = None
    """Id that joins a tool call to its result."""


class Message(msgspec.Struct, kw_only=True):
    """One message: its role as the dialect names it (system, developer, user, assistant, tool), its parts."""

    role: str
    parts: list[Part] = []
    name: str | None = None

    def text(self) -> str:
        """Return the words alone: texts, refusals and tool results, a line break between them."""
        return "\n".join(part.text for part in self.parts if part.kind in {"text", "refusal", "tool_result"})


def as_dict(value: Any) -> dict[str, Any]:
    """Return `value` if it is an object, else an empty one: what came over a wire may be anything."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return `value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return a string as it is, nothing for None, and JSON for all else."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def content_parts(content: Any) -> list[Part]:
    """Return the parts of a ``content`` value of any dialect: a string, a list of typed parts, or null."""
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [Part(kind="text", text=content)]
    if not isinstance(content, list):
        return [Part(kind="other", text=as_text(content))]
    return [part for item in content for part in _typed_part(item)]


def _typed_part(item: Any) -> list[Part]:
    if isinstance(item, str):
        return [Part(kind="text", text=item)]
    data = as_dict(item)
    reader = _PART_READERS.get(as_text(data.get("type")))
    return [reader(data) if reader else Part(kind="other", text=as_text(item))]


def _text(data: dict[str, Any]) -> Part:
    return Part(kind="text", text=as_text(data.get("text")))


def _image(data: dict[str, Any]) -> Part:
    return Part(kind="image", text=_media(data.get("image_url") or data.get("source") or data))


def _audio(data: dict[str, Any]) -> Part:
    return Part(kind="audio", text=_media(data.get("input_audio") or data))


def _refusal(data: dict[str, Any]) -> Part:
    return Part(kind="refusal", text=as_text(data.get("refusal")))


def _reasoning(data: dict[str, Any]) -> Part:
    return Part(kind="reasoning", text=as_text(data.get("thinking") or data.get("text")))


def _tool_use(data: dict[str, Any]) -> Part:
    return tool_call(data.get("name"), data.get("input"), data.get("id"))


def _tool_result(data: dict[str, Any]) -> Part:
    return tool_result(data.get("content"), data.get("tool_use_id"))


def _file(data: dict[str, Any]) -> Part:
    inner = as_dict(data.get("file")) or data
    name = inner.get("filename") or data.get("title")
    return Part(kind="file", text=_media(data.get("source") or inner), name=as_text(name) or None)


_PART_READERS: dict[str, Callable[[dict[str, Any]], Part]] = {
    **dict.fromkeys(("text", "input_text", "output_text", "summary_text", "reasoning_text"), _text),
    **dict.fromkeys(("image_url", "input_image", "image"), _image),
    **dict.fromkeys(("input_audio", "audio"), _audio),
    **dict.fromkeys(("thinking", "redacted_thinking", "reasoning"), _reasoning),
    **dict.fromkeys(("tool_use", "server_tool_use"), _tool_use),
    **dict.fromkeys(("tool_result", "web_search_tool_result"), _tool_result),
    **dict.fromkeys(("file", "input_file", "document"), _file),
    "refusal": _refusal,
}
"""How each part type of the three dialects is read; what is not here is shown as its JSON."""


def tool_call(name: Any, arguments: Any, call_id: Any) -> Part:
    """Return the part for a call; arguments that are an object become JSON text."""
    return Part(
        kind="tool_call", name=as_text(name) or None, text=as_text(arguments), id=as_text(call_id) or None
    )


def tool_result(content: Any, call_id: Any) -> Part:
    """Return the part for a tool's result, its texts joined."""
    text = "\n".join(part.text for part in content_parts(content))
    return Part(kind="tool_result", text=text, id=as_text(call_id) or None)


def _media(value: Any) -> str:
    """Describe an attachment: its URL, or its type and decoded size."""
    data = as_dict(value)
    url = value if isinstance(value, str) else as_text(data.get("url") or data.get("file_url") or "")
    encoded = data.get("data") or data.get("file_data")
    if url.startswith("data:"):
        kind, _, encoded = url.removeprefix("data:").partition(",")
        return f"{kind.split(';')[0]}, {_size(encoded)}"
    if url:
        return url
    kind = as_text(data.get("media_type") or data.get("format") or data.get("type") or "data")
    return f"{kind}, {_size(encoded)}" if isinstance(encoded, str) else kind


def _size(encoded: str) -> str:
    size = len(encoded) * 3 // 4
    return (
        f"{size / 1e6:.1f} MB"
        if size >= 1_000_000
        else f"{size / 1e3:.1f} kB"
        if size >= 1000
        else f"{size} B"
    )
