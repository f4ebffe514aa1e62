"""What the gateway did not learn is read from the answer, and only where there is something to read."""

from __future__ import annotations

import json
from unittest import mock

import pytest

from workbench.domain import conversation
from workbench.domain.exchange import Exchange
from workbench.recording.enrich import enrich
from workbench.store.operations import Finish

CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}


def finish(answer, endpoint="/v1/chat/completions", **fields):
    exchange = Exchange(id="ex_1", started_at=1, endpoint=endpoint, **fields)
    return Finish(exchange=exchange, headers=[], body=json.dumps(answer).encode(), writes=[])


@pytest.mark.parametrize(
    ("endpoint", "answer"),
    [
        ("/v1/chat/completions", {"choices": [{"index": 0, "message": {"tool_calls": [CALL]}}]}),
        (
            "/v1/messages",
            {
                "type": "message",
                "content": [{"type": "tool_use", "id": "t", "name": "get_weather", "input": {}}],
            },
        ),
        (
            "/v1/responses",
            {"output": [{"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": "{}"}]},
        ),
    ],
)
def test_called_tools_are_read_though_the_rest_is_known(endpoint, answer):
    """The gateway counts tokens; names of tools it leaves to this."""
    operation = finish(answer, endpoint, finish_reason="tool_calls", input_tokens=3)
    enrich(operation)
    assert operation.exchange.tools == ("get_weather",)


def test_an_answer_without_calls_is_not_read_again():
    """Reading costs more than recording does; a counter of tools is no call."""
    answer = {"content": "see tool_calls, my_function_call", "usage": {"server_tool_use": {"searches": 0}}}
    with mock.patch.object(conversation, "answer") as read:
        enrich(finish(answer, finish_reason="stop"))
    read.assert_not_called()
