"""One value of a body is changed, every other byte stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.errors import UsageError
from workbench.replay.edit import Edit, apply_edits, parse_edit, parse_path, set_value

SENTINEL = "\ue000here\ue001"

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
layouts = st.sampled_from(
    [{}, {"indent": 2}, {"indent": "\t"}, {"separators": (",", ":")}, {"ensure_ascii": False}]
)


def paths(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of everything in `value` but itself."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for name, item in inner for path in ((*at, name), *paths(item, (*at, name)))]


@given(st.dictionaries(st.text(), values, min_size=1, max_size=5), layouts, st.data())
def test_only_the_bytes_of_the_value_change(
    document: dict[str, Any], layout: dict[str, Any], data: st.DataObject
) -> None:
    """Whatever the layout, what stands before and after the old value is untouched."""
    body = json.dumps(document, **layout).encode("utf-8", "surrogatepass")
    try:
        body.decode()
    except UnicodeDecodeError:
        return
    path = data.draw(st.sampled_from(paths(document)))
    before, _, after = set_value(body, path, SENTINEL).partition(
        json.dumps(SENTINEL, ensure_ascii=False).encode()
    )
    assert body.startswith(before)
    assert body.endswith(after)
    old = document
    for step in path:
        old = old[step]
    assert json.loads(body[len(before) : len(body) - len(after)]) == old


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values, max_size=4), layouts, values
)
def test_a_missing_key_is_added_and_nothing_else(
    document: dict[str, Any], layout: dict[str, Any], value: Any
) -> None:
    """The new member comes last in its object; the others keep their bytes."""
    document.pop("new key", None)
    try:
        body = json.dumps(document, **layout).encode()
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    edited = set_value(body, ("new key",), value)
    assert json.loads(edited) == {**document, "new key": value}
    assert list(json.loads(edited))[-1] == "new key"


def test_a_new_member_is_spaced_like_its_neighbours() -> None:
    """An indented body stays indented, a compact one compact."""
    assert set_value(b'{"a":1,"b":2}', ("c",), 3) == b'{"a":1,"b":2,"c":3}'
    assert set_value(b'{\n  "a": 1\n}', ("c",), 3) == b'{\n  "a": 1,\n  "c": 3\n}'
    assert set_value(b"{}", ("c",), 3) == b'{"c": 3}'


def test_parents_that_are_missing_are_made() -> None:
    """`response_format.type=json_object` works on a body without response_format."""
    edited = set_value(b'{"model":"m"}', ("response_format", "type"), "json_object")
    assert json.loads(edited) == {"model": "m", "response_format": {"type": "json_object"}}


def test_of_a_key_written_twice_the_last_counts() -> None:
    """Parsers take the last one, so that is the one to change."""
    assert set_value(b'{"a": 1, "a": 2}', ("a",), 3) == b'{"a": 1, "a": 3}'


def test_numbers_and_escapes_elsewhere_keep_their_form() -> None:
    """1.0, 1e3 and \\u00e9 are not written anew."""
    body = rb'{"x": 1.0, "y": 1e3, "z": "\u00e9\/", "temperature": 0.70}'
    assert set_value(body, ("temperature",), 0) == rb'{"x": 1.0, "y": 1e3, "z": "\u00e9\/", "temperature": 0}'


def test_lists_are_counted_from_either_end() -> None:
    """`messages[-1].content` is the last message's."""
    body = b'{"messages": [{"content": "a"}, {"content": "b"}]}'
    assert set_value(body, ("messages", -1, "content"), "c") == body.replace(b'"b"', b'"c"')
    assert set_value(body, ("messages", "0", "content"), "c") == body.replace(b'"a"', b'"c"')


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("temperature=0", Edit(("temperature",), 0)),
        ("model=gpt-4o", Edit(("model",), "gpt-4o")),
        ("stop=null", Edit(("stop",), None)),
        ('messages[-1].content="a=b"', Edit(("messages", -1, "content"), "a=b")),
        ("tools.0.name=x", Edit(("tools", "0", "name"), "x")),
        ('metadata."a.b"=1', Edit(("metadata", "a.b"), 1)),
        ('stop=["x"]', Edit(("stop",), ["x"])),
    ],
)
def test_edits_are_written_as_path_and_json(text: str, edit: Edit) -> None:
    """The right side is JSON, or else a string."""
    assert parse_edit(text) == edit


@pytest.mark.parametrize("text", ["temperature", "=1", " =1"])
def test_an_edit_needs_path_and_value(text: str) -> None:
    """What can't be an edit says how one looks."""
    with pytest.raises(UsageError, match="PATH=VALUE"):
        parse_edit(text)


@pytest.mark.parametrize("path", ["a[x]", "a[", "]"])
def test_a_path_that_means_nothing_is_refused(path: str) -> None:
    """Brackets hold numbers."""
    with pytest.raises(UsageError, match="not a path"):
        parse_path(path)


@pytest.mark.parametrize(
    ("body", "path", "problem"),
    [
        (b"not json", ("a",), "not JSON"),
        (b'{"a": [1]}', ("a", 3), "1 items"),
        (b'{"a": 1}', ("a", "b"), "no object or list"),
        (b'{"a": {}}', ("a", "b", 0), "no list"),
    ],
)
def test_what_cannot_be_set_says_why(body: bytes, path: tuple[str | int, ...], problem: str) -> None:
    """The error names the path or the fault, and the body is left alone."""
    with pytest.raises(UsageError, match=problem):
        apply_edits(body, [Edit(path, 1)])
