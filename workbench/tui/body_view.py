"""Bodies and headers as documents. Run in a thread: a body may be large."""

from __future__ import annotations

import msgspec

from workbench.domain.exchange import Headers
from workbench.tui.body import Body
from workbench.tui.document import Document, JsonTree, Line, Lines, clean

PRETTY_LIMIT = 3_000_000
"""Larger JSON is shown as it came: indenting it would take longer than opening it should."""
TREE_LIMIT = 400_000
"""Larger JSON is indented but not foldable."""


def body(data: bytes, *, raw: bool = False, whole: bool = True) -> tuple[Document, str]:
    """Return a document for a body, and how it is shown: ``JSON``, ``events``, ``text``, ``raw``…

    Without `whole` a large one is only begun; see `Body.fill`.
    """
    if not data:
        return Lines([Line("(empty)", "faint")]), "empty"
    make = Body.of if whole else Body.begin
    head = data[:256].lstrip()
    if not raw and len(data) <= PRETTY_LIMIT and head[:1] in {b"{", b"["}:
        try:
            text = clean(msgspec.json.format(data, indent=2).decode("utf-8", "replace"))
        except msgspec.DecodeError:
            return make(data), "text, not valid JSON"
        if len(text) <= TREE_LIMIT:
            return JsonTree.of_text(text), "JSON, indented"
        return Body.of_text(text, "json"), "JSON, indented"
    if head.startswith((b"data:", b"event:", b":", b"id:")):
        return make(data, "sse"), "events"
    if b"\0" in data[:4096]:
        return Body.of(_hex(data)), "binary, as hex"
    return make(data, "json" if head[:1] in {b"{", b"["} else "text"), "raw"


def headers(request: Headers, response: Headers) -> Lines:
    """Return both heads, names aligned."""
    lines = Lines()
    for title, pairs in (("request", request), ("response", response)):
        if lines.lines:
            lines.lines.append(Line(""))
        lines.lines.append(Line(f"{title}  {len(pairs)} lines", "bold accent"))
        width = min(34, max((len(name) for name, _ in pairs), default=0))
        for name, value in pairs:
            shown = clean(name).replace("\n", " ")
            lines.lines.append(
                Line(clean(value).replace("\n", "\\n"), "text", width + 4, f"  {shown}", "second")
            )
        if not pairs:
            lines.lines.append(Line("  none recorded", "faint"))
    return lines


def _hex(data: bytes, limit: int = 1 << 20) -> bytes:
    rows = []
    for at in range(0, min(len(data), limit), 16):
        part = data[at : at + 16]
        words = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in part)
        rows.append(f"{at:08x}  {part.hex(' '):<47}  {words}")
    if len(data) > limit:
        rows.append(f"… {len(data) - limit:,} more bytes; `workbench exchanges body` writes all of them")
    return "\n".join(rows).encode()
