"""A chat completions stream as a responses stream (OpenAI's semantic events)."""

from __future__ import annotations

from typing import Any

from workbench.domain.dialects.messages_answer import reasoning_of
from workbench.domain.dialects.responses_answer import (
    call_item,
    ending,
    id_suffix,
    message_item,
    reasoning_item,
    response_head,
)
from workbench.domain.dialects.responses_request import custom_tools
from workbench.domain.dialects.translation import Document, Out
from workbench.domain.message import as_dict, as_list, as_text


class ResponsesStream:
    """Opens an output item for reasoning, for text and for each call.

    Words are closed when something else begins, calls at the end: their pieces may come in turns.
    """

    def __init__(self, asked: Document) -> None:
        self._asked = asked
        self._custom = custom_tools(asked)
        self._head: Document | None = None
        self._suffix = ""
        self._number = 0
        self._items: list[_Item] = []
        self._calls: dict[int, _Item] = {}
        self._open: _Item | None = None
        self._finish: Any = None
        self._usage: Any = None

    def feed(self, data: Document) -> list[Out]:
        """Take one chunk."""
        outs = [] if self._head is not None else self._start(data)
        self._usage = data.get("usage") or self._usage
        for choice in map(as_dict, as_list(data.get("choices"))[:1]):
            delta = as_dict(choice.get("delta"))
            if reasoning := reasoning_of(delta):
                outs += self._said(_Reasoning, reasoning)
            if text := as_text(delta.get("content")) or as_text(delta.get("refusal")):
                outs += self._said(_Text, text)
            for call in map(as_dict, as_list(delta.get("tool_calls"))):
                outs += self._called(call)
            self._finish = choice.get("finish_reason") or self._finish
        return outs

    def close(self) -> list[Out]:
        """End the open item and the response."""
        outs = [] if self._head is not None else self._start({})
        outs += self._shut()
        for call in self._calls.values():
            outs += self._events(call.end())
        end = ending(self._finish, self._usage)
        output = [item.finished() for item in self._items]
        response = {**(self._head or {}), **end, "output": output}
        outs.append(self._out(f"response.{end['status']}", response=response))
        return outs

    def _start(self, data: Document) -> list[Out]:
        self._head = response_head(data, self._asked)
        self._suffix = id_suffix(data)
        return [
            self._out("response.created", response=self._head),
            self._out("response.in_progress", response=self._head),
        ]

    def _said(self, kind: type[_Item], text: str) -> list[Out]:
        outs: list[Out] = []
        if not isinstance(self._open, kind):
            outs += self._begin(kind(len(self._items), self._suffix))
        assert self._open is not None
        return outs + self._events(self._open.delta(text))

    def _called(self, call: Document) -> list[Out]:
        index = call.get("index")
        number = index if isinstance(index, int) else len(self._calls)
        function = as_dict(call.get("function"))
        outs: list[Out] = []
        if number not in self._calls:
            item = _Call(
                len(self._items), self._suffix, call, custom=as_text(function.get("name")) in self._custom
            )
            self._calls[number] = item
            outs += self._shut()
            self._items.append(item)
            outs += self._events(item.begin())
        if arguments := as_text(function.get("arguments")):
            outs += self._events(self._calls[number].delta(arguments))
        return outs

    def _begin(self, item: _Item) -> list[Out]:
        outs = self._shut()
        self._items.append(item)
        self._open = item
        return outs + self._events(item.begin())

    def _shut(self) -> list[Out]:
        item, self._open = self._open, None
        return self._events(item.end()) if item is not None else []

    def _events(self, events: list[tuple[str, Document]]) -> list[Out]:
        return [self._out(kind, **members) for kind, members in events]

    def _out(self, kind: str, **members: Any) -> Out:
        out = Out({"type": kind, "sequence_number": self._number, **members}, kind)
        self._number += 1
        return out


Events = list[tuple[str, Document]]


class _Item:
    """An output item under way: the events of its beginning, of each delta, of its end."""

    prefix = ""

    def __init__(self, index: int, suffix: str) -> None:
        self.index = index
        self.id = f"{self.prefix}_{suffix}_{index}"
        self.text = ""

    def begin(self) -> Events:
        """Return the events that open it."""
        raise NotImplementedError

    def delta(self, text: str) -> Events:
        """Take a piece and return its event."""
        raise NotImplementedError

    def end(self) -> Events:
        """Return the events that close it."""
        raise NotImplementedError

    def finished(self) -> Document:
        """Return the whole item."""
        raise NotImplementedError

    def _at(self, **members: Any) -> Document:
        return {"item_id": self.id, "output_index": self.index, **members}

    def _added(self, item: Document) -> tuple[str, Document]:
        return "response.output_item.added", {"output_index": self.index, "item": item}

    def _done(self) -> tuple[str, Document]:
        return "response.output_item.done", {"output_index": self.index, "item": self.finished()}


class _Text(_Item):
    prefix = "msg"

    def begin(self) -> Events:
        item = {**self.finished(), "status": "in_progress", "content": []}
        part = {"type": "output_text", "text": "", "annotations": []}
        return [self._added(item), ("response.content_part.added", self._at(content_index=0, part=part))]

    def delta(self, text: str) -> Events:
        self.text += text
        return [("response.output_text.delta", self._at(content_index=0, delta=text, logprobs=[]))]

    def end(self) -> Events:
        part = self.finished()["content"][0]
        return [
            ("response.output_text.done", self._at(content_index=0, text=self.text, logprobs=[])),
            ("response.content_part.done", self._at(content_index=0, part=part)),
            self._done(),
        ]

    def finished(self) -> Document:
        return message_item(self.id, self.text)


class _Reasoning(_Item):
    prefix = "rs"

    def begin(self) -> Events:
        item = {**self.finished(), "summary": []}
        part = {"type": "summary_text", "text": ""}
        added = ("response.reasoning_summary_part.added", self._at(summary_index=0, part=part))
        return [self._added(item), added]

    def delta(self, text: str) -> Events:
        self.text += text
        return [("response.reasoning_summary_text.delta", self._at(summary_index=0, delta=text))]

    def end(self) -> Events:
        part = {"type": "summary_text", "text": self.text}
        return [
            ("response.reasoning_summary_text.done", self._at(summary_index=0, text=self.text)),
            ("response.reasoning_summary_part.done", self._at(summary_index=0, part=part)),
            self._done(),
        ]

    def finished(self) -> Document:
        return reasoning_item(self.id, self.text)


class _Call(_Item):
    prefix = "fc"

    def __init__(self, index: int, suffix: str, call: Document, *, custom: bool) -> None:
        super().__init__(index, suffix)
        self._call_id = call.get("id")
        self._name = as_dict(call.get("function")).get("name")
        self._custom = custom
        self._parts: list[str] = []

    def begin(self) -> Events:
        empty = {"input": ""} if self._custom else {"arguments": ""}
        return [self._added({**self.finished(), "status": "in_progress", **empty})]

    def delta(self, text: str) -> Events:
        self._parts.append(text)
        # A custom tool's input is inside a JSON string: it can only be given when it is whole.
        return [] if self._custom else [("response.function_call_arguments.delta", self._at(delta=text))]

    def end(self) -> Events:
        item = self.finished()
        if self._custom:
            whole = item["input"]
            return [
                ("response.custom_tool_call_input.delta", self._at(delta=whole)),
                ("response.custom_tool_call_input.done", self._at(input=whole)),
                self._done(),
            ]
        done = (
            "response.function_call_arguments.done",
            self._at(name=self._name, arguments=item["arguments"]),
        )
        return [done, self._done()]

    def finished(self) -> Document:
        function = {"name": self._name, "arguments": "".join(self._parts)}
        custom = frozenset({as_text(self._name)}) if self._custom else frozenset()
        return call_item(self.id, {"id": self._call_id, "function": function}, custom)
