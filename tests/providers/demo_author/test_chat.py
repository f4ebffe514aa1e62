"""Answers to prompts that are not the workflow's: words, sums, JSON and tool calls."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.providers.demo_author.talk import rng, say
from workbench.domain.conversation import messages_of
from workbench.domain.text import printable
from workbench.providers.demo_author.author import answer, tool_call

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 3, "maxLength": 12},
        "days": {"type": "array", "items": {"$ref": "#/$defs/day"}, "minItems": 2},
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "limit": {"type": "integer", "minimum": 7},
        "note": {"anyOf": [{"type": "null"}, {"type": "string"}]},
    },
    "required": ["city", "days", "unit", "limit", "note"],
    "additionalProperties": False,
    "$defs": {"day": {"type": "object", "properties": {"dry": {"type": "boolean"}}, "required": ["dry"]}},
}


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def test_it_says_what_it_is_and_what_it_heard() -> None:
    """The answer repeats the question, names the demo, and points to a command."""
    text = say("demo", user("How do I replay an exchange?")).text
    assert "How do I replay an exchange?" in text
    assert "built-in demo" in text
    assert "workbench replay" in text


def test_a_random_sum_is_worked_out() -> None:
    """Arithmetic that nobody prepared comes out right."""
    random_ = rng()
    one, two, three = (random_.randint(1, 999) for _ in range(3))
    assert f"= {one * (two + three)}" in say("demo", user(f"what is {one} * ({two} + {three})?")).text


@pytest.mark.parametrize("text", ["2026-11-20 is a date", "see /usr/2/3/x", "1/0", "9**9**9", "", "=" * 500])
def test_what_is_no_sum_is_not_computed(text: str) -> None:
    """Dates, paths, powers and divisions by zero are only words."""
    assert say("demo", user(text)).text.count(" = ") == 0


def test_escapes_in_a_question_come_back_harmless() -> None:
    """What could act on a terminal is shown as its escape."""
    text = say("demo", user("\x1b]0;owned\x07 hi")).text
    assert printable(text) == text


def test_hostile_answers_with_escapes() -> None:
    """demo-hostile says what no terminal should obey, in plain chat too."""
    assert "\x1b" in say("demo-hostile", user("hi")).text


def test_an_answer_is_cut_at_the_cap() -> None:
    """A small max_tokens ends the answer with finish_reason length."""
    reply = say("demo", user("hello"), max_tokens=3)
    assert (len(reply.text), reply.finish_reason) == (12, "length")


@pytest.mark.parametrize(
    "form",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
        {"text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}},
    ],
    ids=["chat", "responses"],
)
def test_json_fits_the_schema_that_is_asked_for(form: dict[str, Any]) -> None:
    """References, enums, bounds and required members are kept."""
    document = json.loads(say("demo", user("weather in Oslo"), **form).text)
    jsonschema.validate(document, SCHEMA)


def test_json_object_is_an_object() -> None:
    """Without a schema any object does, with the user's words in it."""
    reply = say("demo", user("a thing"), response_format={"type": "json_object"})
    assert json.loads(reply.text)["answer"] == "a thing"


def test_a_schema_that_refers_to_itself_ends() -> None:
    """Recursion in a schema is cut off."""
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    reply = say("demo", user("x"), response_format={"type": "json_schema", "json_schema": {"schema": schema}})
    assert "next" in json.loads(reply.text)


CHAT_TOOLS = {"tools": [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]}


def test_a_tool_is_called_when_the_words_ask_for_it() -> None:
    """A tool whose name the question holds is called with arguments that fit."""
    reply = say("demo", user("what is the weather like?"), **CHAT_TOOLS)
    assert reply.finish_reason == "tool_calls"
    assert reply.tool is not None
    assert reply.tool[0] == "get_weather"
    jsonschema.validate(reply.tool[1], SCHEMA)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_forced_tool_is_called(choice: Any) -> None:
    """tool_choice overrules the words."""
    reply = say("demo", user("sing"), tool_choice=choice, **CHAT_TOOLS)
    assert reply.tool is not None


@pytest.mark.parametrize("name", ["Bash", "run_command", "write_file", "getaway_car", "execute_sql"])
def test_tools_that_act_are_not_called_unforced_and_never_with_the_users_words(name: str) -> None:
    """A coding agent runs what is called: its shell must not get a sentence of the user's as a command."""
    schema = {"type": "object", "properties": {"command": {"type": "string"}}}
    tools = {"tools": [{"type": "function", "function": {"name": name, "parameters": schema}}]}
    said = user(f"please do not bash run command write file getaway execute {name} rm -rf /")
    assert say("demo", said, **tools).tool is None
    assert say("demo", said, tool_choice="required", **tools).tool == (name, {"command": "demo"})


def test_tools_are_left_alone_where_nothing_asks() -> None:
    """No call without reason, with tool_choice none, or after the tool's result."""
    assert say("demo", user("sing"), **CHAT_TOOLS).tool is None
    assert say("demo", user("weather"), tool_choice="none", **CHAT_TOOLS).tool is None
    result = [*user("weather"), {"role": "tool", "tool_call_id": "1", "content": "rain"}]
    assert "rain" in say("demo", result, **CHAT_TOOLS).text


def test_anthropic_tools_are_understood() -> None:
    """The messages dialect describes tools in another form."""
    body = {
        "messages": user("go"),
        "tools": [{"name": "lookup", "input_schema": SCHEMA}],
        "tool_choice": {"type": "any"},
    }
    call = tool_call(messages_of("/v1/messages", body), body)
    assert call is not None
    assert call[0] == "lookup"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": [{"role": "user", "content": None}], "tools": "x", "response_format": 3},
        {"messages": [{"role": "assistant", "content": "only me"}], "max_tokens": "many"},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"tools": [{}, None, {"function": 1}], "tool_choice": {"type": "any"}, "messages": user("x")},
    ],
    ids=range(6),
)
def test_odd_requests_get_an_answer(body: dict[str, Any]) -> None:
    """Whatever a client sends, the author says something and never raises."""
    assert answer("demo", messages_of("/v1/chat/completions", body), request=body).text
