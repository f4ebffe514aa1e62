"""The translations there are; those of two steps go through chat completions."""

from __future__ import annotations

from workbench.domain.dialects.chat_answer import chat_answer
from workbench.domain.dialects.chat_request import messages_from_chat
from workbench.domain.dialects.chat_stream import ChatStream
from workbench.domain.dialects.completions import CompletionsStream, chat_from_completions, completions_answer
from workbench.domain.dialects.messages_answer import messages_answer
from workbench.domain.dialects.messages_request import chat_from_messages
from workbench.domain.dialects.messages_stream import MessagesStream
from workbench.domain.dialects.responses_answer import responses_answer
from workbench.domain.dialects.responses_request import chat_from_responses
from workbench.domain.dialects.responses_stream import ResponsesStream
from workbench.domain.dialects.translation import (
    CHAT,
    COMPLETIONS,
    MESSAGES,
    RESPONSES,
    Document,
    Out,
    StreamTranslator,
    Translation,
)


class _Two:
    """Two stream translators in a row."""

    def __init__(self, first: StreamTranslator, second: StreamTranslator) -> None:
        self._first = first
        self._second = second

    def feed(self, data: Document) -> list[Out]:
        return [out for middle in self._first.feed(data) for out in self._second.feed(middle.data)]

    def close(self) -> list[Out]:
        fed = [out for middle in self._first.close() for out in self._second.feed(middle.data)]
        return fed + self._second.close()


def _through_chat(outer: Translation, inner: Translation) -> Translation:
    """Return source -> chat -> target. The inner stream always gives usage: the outer one needs it."""

    def request(document: Document) -> Document:
        return inner.request(outer.request(document))

    def answer(document: Document, asked: Document) -> Document:
        return outer.answer(inner.answer(document, {}), asked)

    def stream(asked: Document) -> StreamTranslator:
        return _Two(inner.stream({"stream_options": {"include_usage": True}}), outer.stream(asked))

    return Translation(
        source=outer.source, target=inner.target, request=request, answer=answer, stream=stream
    )


_MESSAGES_CHAT = Translation(
    source=MESSAGES, target=CHAT, request=chat_from_messages, answer=messages_answer, stream=MessagesStream
)
_RESPONSES_CHAT = Translation(
    source=RESPONSES,
    target=CHAT,
    request=chat_from_responses,
    answer=responses_answer,
    stream=ResponsesStream,
)
_COMPLETIONS_CHAT = Translation(
    source=COMPLETIONS,
    target=CHAT,
    request=chat_from_completions,
    answer=completions_answer,
    stream=CompletionsStream,
)
_CHAT_MESSAGES = Translation(
    source=CHAT, target=MESSAGES, request=messages_from_chat, answer=chat_answer, stream=ChatStream
)

WAYS: dict[tuple[str, str], Translation] = {
    (way.source, way.target): way
    for way in (
        _MESSAGES_CHAT,
        _RESPONSES_CHAT,
        _COMPLETIONS_CHAT,
        _CHAT_MESSAGES,
        _through_chat(_RESPONSES_CHAT, _CHAT_MESSAGES),
        _through_chat(_COMPLETIONS_CHAT, _CHAT_MESSAGES),
    )
}
