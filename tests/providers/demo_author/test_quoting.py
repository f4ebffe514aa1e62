"""Foreign text in programs stays text."""

from __future__ import annotations

import ast
import html
import json

from hypothesis import given
from hypothesis import strategies as st

from workbench.providers.demo_author import quoting

ANY = st.text(st.characters(), max_size=200)


@given(ANY)
def test_a_python_literal_is_read_back_exactly(text: str) -> None:
    """Any text, lone surrogates too."""
    assert ast.literal_eval(quoting.python(text)) == text


@given(ANY)
def test_a_docstring_never_ends_early(text: str) -> None:
    """The text stands inside triple quotes, and nothing else comes of it."""
    tree = ast.parse(f'"""{quoting.docstring(text)}"""\n')
    assert len(tree.body) == 1


@given(ANY)
def test_a_javascript_literal_is_json_and_safe_in_html(text: str) -> None:
    """Read back as JSON it is the text; nothing in it can close a script."""
    literal = quoting.javascript(text)
    assert json.loads(literal) == text.encode("utf-8", "replace").decode()
    assert "<" not in literal


@given(ANY)
def test_markup_holds_no_markup(text: str) -> None:
    """No tag, no quote and no line break is left, and the words come back."""
    marked = quoting.markup(text)
    assert not set(marked) & set('<>"\n')
    assert "<" not in marked.replace("&lt;", "")
    assert html.unescape(marked).count("<") == text.count("<")


@given(ANY)
def test_every_markdown_line_is_a_quotation(text: str) -> None:
    """No line escapes the quotation."""
    assert all(line.startswith(">") for line in quoting.markdown(text).split("\n"))
