"""How data is printed: JSON that loses nothing, tables that hold, nothing that acts on a terminal."""

from __future__ import annotations

import json
import sys

from hypothesis import given
from hypothesis import strategies as st

from workbench.cli.output import facts, table, to_json
from workbench.domain.text import printable


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_comes_back_as_it_was_and_is_safe_to_show(data):
    """Any text survives, and what is printed is printable as it stands (but for its marks)."""
    text = to_json(data)
    assert json.loads(text) == data
    assert not any((ord(char) < 0x20 and char != "\n") or 0x7F <= ord(char) < 0xA0 for char in text)
    assert "\u202e" not in text


def test_lone_surrogates_do_not_break_json(capsys):
    """A lone surrogate, which UTF-8 can't hold, becomes a replacement character."""
    assert json.loads(to_json(["\ud800"])) == ["\ufffd\ufffd\ufffd"]


def test_table_columns_line_up_with_wide_characters(capsys):
    """Columns are aligned by the width on screen, figures to the right."""
    table(("NAME", "N"), [("日本", 7), ("ascii", 12345)], right=("N",))
    assert capsys.readouterr().out == "NAME       N\n日本       7\nascii  12345\n"


def test_cells_are_one_printable_line(capsys):
    """A cell with line breaks or escape sequences stays one line and shows them."""
    table(("A",), [("x\n\x1b[31mred",), (None,), (True,)])
    assert capsys.readouterr().out == "A\nx \\x1b[31mred\n-\nyes\n"


def test_facts_leave_out_what_is_not_known(capsys):
    """None and empty values print no line."""
    facts([("name", "value"), ("nothing", None), ("empty", ""), ("longer name", 0)])
    assert capsys.readouterr().out == "name         value\nlonger name  0\n"


def test_a_narrow_terminal_gets_fewer_columns(monkeypatch, capsys):
    """Optional columns go, in their order, until the rest fits; the flexible one is cut."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    row = ("id1", "provider-x", "7", "an error that is long")
    for width, head in ((60, "ID   PROVIDER    USD  ERROR"), (24, "ID   USD  ERROR"), (14, "ID   ERROR")):
        monkeypatch.setenv("COLUMNS", str(width))
        table(("ID", "PROVIDER", "USD", "ERROR"), [row], flexible="ERROR", optional=("PROVIDER", "USD"))
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == head
        assert all(len(line) <= max(width, 15) for line in lines)


def test_nothing_is_cut_when_stdout_is_no_terminal(capsys):
    """Only a terminal has a width; a file gets all of it."""
    table(("A", "B"), [("x", "y" * 500)], flexible="B")
    assert "y" * 500 in capsys.readouterr().out
    assert printable("y") == "y"
