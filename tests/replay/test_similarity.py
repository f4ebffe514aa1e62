"""How alike two texts are, and the marks of a diff."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.replay.align import align
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


def words(count: int, seed: int) -> list[str]:
    """Return words as texts have them: few often, many seldom."""
    chance = random.Random(seed)
    return [f"w{int(chance.paretovariate(0.8)) % 30_000}" for _ in range(count)]


@pytest.mark.parametrize("count", [100, 2_000, 100_000])
def test_changed_words_count_by_their_share_however_long_the_text(count: int) -> None:
    """One word in a hundred is changed, in a text without a single line break: 0.99, give or take."""
    before = words(count, 1)
    after = [f"changed{place}" if place % 100 == 50 else word for place, word in enumerate(before)]
    assert 0.95 < similarity(" ".join(before), " ".join(after)) < 1


def test_long_texts_without_relation_are_not_alike() -> None:
    """20,000 words each, drawn apart."""
    assert similarity(" ".join(words(20_000, 1)), " ".join(words(20_000, 2))) < 0.5


@given(st.lists(st.sampled_from("abcdefgh")), st.lists(st.sampled_from("abcdefgh")))
def test_blocks_are_equal_and_rise(left: list[str], right: list[str]) -> None:
    """Whatever is matched is equal on both sides and in one order."""
    at = (0, 0)
    for block in align(left, right):
        assert left[block.left : block.left + block.size] == right[block.right : block.right + block.size]
        assert block.left >= at[0]
        assert block.right >= at[1]
        at = (block.left + block.size, block.right + block.size)


@given(st.lists(st.integers(0, 2000)), st.integers(0, 2**32))
def test_large_gaps_are_matched_by_their_anchors(extra: list[int], seed: int) -> None:
    """With 600 tokens on each side the exhaustive way is not taken, and the blocks hold all the same."""
    chance = random.Random(seed)
    left = [str(chance.randrange(900)) for _ in range(600)]
    right = [token for token in left if chance.random() < 0.8]
    for number in extra:
        right.insert(number % (len(right) + 1), str(number))
    blocks = align(left, right)
    assert all(
        left[block.left : block.left + block.size] == right[block.right : block.right + block.size]
        for block in blocks
    )
    assert sum(block.size for block in blocks) > 100


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
