"""How alike two texts are, and the marks of a diff."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.replay.marks import marked_lines
from workbench.replay.similarity import fold_space, pieces, similarity, unified

texts = st.text(st.sampled_from("ab \n.é"), max_size=60)


@given(texts, texts)
def test_the_pieces_are_the_two_texts(first: str, second: str) -> None:
    """Same and removed pieces joined are the first text, same and added ones the second."""
    found = list(pieces(first, second))
    assert "".join(piece.text for piece in found if piece.mark != "added") == first
    assert "".join(piece.text for piece in found if piece.mark != "removed") == second


@given(texts, texts)
def test_similarity_is_a_share(first: str, second: str) -> None:
    """0 to 1, and 1 only for equal texts."""
    share = similarity(first, second)
    assert 0 <= share <= 1
    assert (share == 1) == (first == second)


def test_one_word_in_many_is_similar() -> None:
    """A changed word counts by its letters."""
    words = "the quick brown fox jumps over the lazy dog " * 5
    assert similarity(words, words.replace("lazy dog", "tired dog", 1)) > 0.95
    assert similarity("yes", "no") == 0.0


def test_very_long_texts_are_matched_by_line() -> None:
    """200,000 words are compared without squaring them, and one changed line shows."""
    lines = [f"line {number} says something new\n" for number in range(50_000)]
    other = [*lines[:-1], "another end\n"]
    share = similarity("".join(lines), "".join(other))
    assert 0.99 < share < 1


def test_white_space_is_folded() -> None:
    """Runs of it are one blank, none at the ends."""
    assert fold_space("  a\n\n b\tc ") == "a b c"


def test_equal_texts_have_no_diff() -> None:
    """Neither kind of diff shows anything."""
    assert unified("a\nb", "a\nb", names=("x", "y")) == ""
    assert marked_lines("a\nb", "a\nb") == []


def test_changed_words_are_marked_in_their_lines() -> None:
    """Without colour, removed words stand in [-…-] and added ones in {+…+}."""
    lines = marked_lines("one\nthe quick fox\nend", "one\nthe slow fox\nend")
    assert [line.plain() for line in lines] == [
        "@line 1, now 1",
        " one",
        "-the [-quick-] fox",
        "+the {+slow+} fox",
        " end",
    ]


@given(texts, texts)
def test_a_diff_holds_every_changed_line(first: str, second: str) -> None:
    """With context for all, the lines that are not added are the first text, and the reverse."""
    lines = marked_lines(first, second, context=1000)
    if first.splitlines() != second.splitlines():
        assert [line.text for line in lines if line.mark in " -"] == first.split("\n")[
            : len(first.splitlines())
        ]
        assert [line.text for line in lines if line.mark in " +"] == second.split("\n")[
            : len(second.splitlines())
        ]
