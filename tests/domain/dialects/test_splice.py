"""Members of a JSON object are replaced without touching any other byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.dialects import splice

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def test_only_the_value_changes() -> None:
    """White space, key order, number forms and nested members of the same name stay as they are."""
    body = b' { "messages" : [{"model":"x}","c":"a\\"model\\":"}] , "model" : "b" , "t":1.50 }\n'
    changed = splice.replace(body, {"model": b'"new"'})
    assert changed == body.replace(b'"b"', b'"new"')


def test_of_repeated_keys_the_last_one_counts() -> None:
    """JSON parsers take the last of repeated keys, so that one is replaced, escaped or not."""
    body = b'{"model":"one","x":{"model":[1,"}"]},"mod\\u0065l":"two"}'
    assert splice.replace(body, {"model": b'"new"'}) == body.replace(b'"two"', b'"new"')


def test_a_missing_member_is_added_at_the_end() -> None:
    """A member that is not there is added, in an empty object too."""
    assert splice.replace(b'{"a":1}\n', {"b": b"2"}) == b'{"a":1,"b":2}\n'
    assert splice.replace(b"{ }", {"b": b"2"}) == b'{"b":2}'


def test_members_are_removed_and_renamed() -> None:
    """What stays keeps its bytes; a rename never overwrites a member that is there."""
    assert splice.remove(b'{"a": 1.0, "b":[1, 2]}', frozenset({"a"})) == b'{"b":[1, 2]}'
    assert json.loads(splice.renamed(b'{"a":1,"c":2}', {"a": "b"})) == {"b": 1, "c": 2}
    assert splice.renamed(b'{"a":1,"b":2}', {"a": "b"}) == b'{"a":1,"b":2}'


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{", b'{"a":}', b'{"a":1}x', b"\xff"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    """Anything but one whole JSON object raises NotAnObject."""
    with pytest.raises(splice.NotAnObject):
        splice.spans(body)


@given(st.dictionaries(st.text(max_size=8), _json, max_size=6), st.sampled_from([None, 1, 2]))
def test_any_object_keeps_its_other_members(document: dict[str, object], indent: int | None) -> None:
    """For any object in any layout: the model is replaced, the rest decodes to the same."""
    body = json.dumps({**document, "model": "old"}, indent=indent, ensure_ascii=indent is None).encode()
    changed = splice.replace(body, {"model": b'"new"'})
    assert json.loads(changed) == {**document, "model": "new"}
    start, end = splice.spans(body)["model"]
    assert changed == body[:start] + b'"new"' + body[end:]
