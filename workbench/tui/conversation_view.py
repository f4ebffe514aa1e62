"""An exchange as people read it: who said what, tool calls and reasoning, the answer, what went wrong.

Every character that was said is shown, but for parts of a megabyte and more, which say what is left out;
only its tone differs. Reasoning and long tool results are folded.
"""

from __future__ import annotations

import msgspec

from workbench.domain.answer import Answer
from workbench.domain.conversation import answer, request_messages
from workbench.domain.exchange import Exchange
from workbench.domain.message import Message, Part
from workbench.domain.text import one_line
from workbench.tui import format as fmt
from workbench.tui.document import BAR, Folding, Line, clean

INDENT = 2
LONG_RESULT = 12
"""Tool results of more lines are folded at first."""
PART_LIMIT = 1_000_000
"""Longest part of a message shown in here, in characters; Request and Response show all of any body."""
_ROLES = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}


class ChatLines:
    """Builds the lines of a conversation and remembers what can be folded."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.blocks: dict[int, int] = {}
        self.closed: set[int] = set()

    def document(self) -> Folding:
        """Return the document."""
        return Folding(self.lines, self.blocks, self.closed)

    def heading(self, role: str, note: str = "") -> None:
        """Begin a message."""
        if self.lines:
            self.lines.append(Line(""))
        style = _ROLES.get(role, "dim")
        text = clean(role).replace("\n", " ") + (f"  {note}" if note else "")
        self.lines.append(Line(text, f"role {style}", INDENT, BAR, style))

    def message(self, message: Message, *, streamed: bool = False) -> None:
        """Add a message's parts below a heading."""
        style = _ROLES.get(message.role, "dim")
        for part in message.parts:
            left_out = len(part.text) - PART_LIMIT
            if left_out > 0:
                part = msgspec.structs.replace(part, text=part.text[:PART_LIMIT])
            self.part(part, style)
            if left_out > 0:
                text = f"… {left_out:,} characters more; Request and Response show all of it"
                self.lines.append(Line(text, "warn", INDENT, BAR, style))
        if not message.parts:
            self.lines.append(
                Line("(empty)" if not streamed else "(nothing yet)", "faint", INDENT, BAR, style)
            )

    def part(self, part: Part, style: str) -> None:
        """Add one part."""
        match part.kind:
            case "text":
                self._text(part.text, style)
            case "refusal":
                self._folded("refused", part.text, "bad", style, close=False)
            case "reasoning":
                self._folded("reasoning", part.text, "dim", style, close=True)
            case "tool_call":
                title = f"⚒ calls {part.name or 'a tool'}" + (f"  {part.id}" if part.id else "")
                self._folded(title, pretty(part.text), "json", style, close=False)
            case "tool_result":
                title = "⚒ result" + (f" of {part.id}" if part.id else "")
                long = part.text.count("\n") > LONG_RESULT
                self._folded(title, part.text, "text", style, close=long)
            case _:
                name = f" {part.name}" if part.name else ""
                self._rows(f"▣ {part.kind}{name}: {part.text}", "second", style)

    def _text(self, text: str, style: str) -> None:
        """Prose; what stands between ``` fences is code."""
        fenced = False
        for row in clean(text).split("\n"):
            fence = row.lstrip().startswith("```")
            kind = "code" if fenced and not fence else "prose"
            self.lines.append(Line(row, kind, INDENT, BAR, style))
            fenced ^= fence

    def _folded(self, title: str, text: str, kind: str, style: str, *, close: bool) -> None:
        head = len(self.lines)
        self.lines.append(Line(clean(title).replace("\n", " "), "bold dim", INDENT, BAR, style))
        self._rows(text, kind, style, indent=INDENT + 2)
        self.blocks[head] = len(self.lines)
        if close:
            self.closed.add(head)

    def _rows(self, text: str, kind: str, style: str, indent: int = INDENT) -> None:
        self.lines += [Line(row, kind, indent, BAR, style) for row in clean(text).split("\n")]


def pretty(text: str) -> str:
    """Return JSON text indented; other text as it is."""
    try:
        return msgspec.json.format(text.encode("utf-8", "surrogatepass"), indent=2).decode("utf-8", "replace")
    except msgspec.DecodeError:
        return text


def chat(exchange: Exchange, request: bytes, response: bytes) -> Folding:
    """Return the conversation of an exchange: the request's messages, then the answer."""
    lines = ChatLines()
    for message in request_messages(exchange.endpoint, request):
        lines.heading(message.role, clean(message.name or ""))
        lines.message(message)
    if not lines.lines:
        lines.lines.append(Line("The request's messages can't be read; see Request.", "dim"))
    _answer(lines, exchange, response)
    return lines.document()


def _answer(lines: ChatLines, exchange: Exchange, response: bytes) -> None:
    given = answer(exchange.endpoint, response, stream=exchange.stream)
    for number, message in enumerate(given.messages):
        note = _figures(exchange) if number == 0 else f"choice {number + 1}"
        lines.heading(message.role or "assistant", note)
        lines.message(message)
    if given.embeddings:
        lines.heading("assistant", _figures(exchange))
        lines.lines.append(
            Line(f"{given.embeddings} vectors; see Response.", "dim", INDENT, BAR, "assistant")
        )
    _ending(lines, exchange, given)


def _ending(lines: ChatLines, exchange: Exchange, given: Answer) -> None:
    error = exchange.error or given.error
    if exchange.state == "running":
        lines.lines += [Line(""), Line("◌ still running", "second")]
    elif exchange.state == "interrupted":
        lines.lines += [Line(""), Line("! interrupted: this is what had arrived", "warn")]
    elif exchange.state == "failed" or (exchange.status or 0) >= 400:
        code = f" {exchange.error_code}" if exchange.error_code else ""
        lines.lines += [Line(""), Line(f"✗ {exchange.status or 'no answer'}{clean(code)}", "bold bad")]
        if error:
            lines.lines += [Line(row, "bad", INDENT) for row in clean(error).split("\n")]


def _figures(exchange: Exchange) -> str:
    parts = [exchange.model]
    if exchange.output_tokens is not None:
        parts.append(f"{fmt.exact(exchange.output_tokens)} tokens")
    if exchange.latency_ms is not None:
        parts.append(fmt.duration(exchange.latency_ms))
    if exchange.finish_reason:
        parts.append(exchange.finish_reason)
    return one_line(" · ".join(part for part in parts if part), 120)
