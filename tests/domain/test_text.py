"""Hostile text becomes visible text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.text import MAX_COMBINING, one_line, printable


@given(st.text())
def test_nothing_that_acts_on_a_terminal_survives(text: str) -> None:
    """No control, bidi, invisible or surrogate character is left, but for tab and newline."""
    for char in printable(text):
        assert char in "\t\n" or unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(char) not in {
            "LRE",
            "RLE",
            "PDF",
            "LRO",
            "RLO",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        }


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_plain_text_stays(text: str) -> None:
    """What can do no harm is not touched."""
    assert text == printable(text)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\a"),
        ("a\rb\x00", "a\\rb\\0"),
        ("\u202eevil", "\\u202eevil"),
        ("\x9b1m", "\\x9b1m"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_known_attacks_are_shown_literally(hostile: str, shown: str) -> None:
    """Escape sequences, clipboard writes and reordering are seen, not obeyed."""
    assert shown == printable(hostile)


def test_zalgo_is_cut_and_living_scripts_are_kept() -> None:
    """Stacks of marks can't climb over other lines; Vietnamese and Hebrew are unharmed."""
    assert len(printable("a" + "\u0301" * 100)) == 1 + MAX_COMBINING
    for text in ("Tiếng Việt", "עִבְרִית", "नमस्ते"):
        assert text == printable(text)


@given(st.text(max_size=500), st.integers(5, 80))
def test_one_line_is_one_short_line(text: str, limit: int) -> None:
    """Whatever comes in, a table row stays a row."""
    line = one_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
