"""Documents of any size, how they wrap, fold and are searched."""

from __future__ import annotations

import threading
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App

from tests.tui.builders import screen_text, until
from workbench.tui.body import Body
from workbench.tui.body_view import body
from workbench.tui.document import Folding, JsonTree, Line, Lines, plain
from workbench.tui.rows import UNWRAPPED, WORD_LIMIT, RowIndex, breaks
from workbench.tui.search import find_all, nearest
from workbench.tui.widgets.textview import TextView

NEEDLES = "one needle\ntwo\nneedle needle"
STYLES = files("workbench.tui") / "styles.tcss"
TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=300)


def shown(document, width, *, wrap=True):
    """Return all rows of a document at a width."""
    index = RowIndex(document, width, wrap=wrap)
    index.extend(10.0)
    out = []
    for row in range(index.rows):
        number, sub = index.locate(row)
        if index.giant(number):
            out.append(index.giant_row(number, sub)[2])
            continue
        line = document.line(number)
        start, end = index.row_text(line, sub)
        out.append(line.text[start:end])
    return out


@given(TEXT, st.integers(8, 60), st.booleans())
def test_wrapping_keeps_every_character_and_fits_the_width(text, width, words):
    """Rows joined are the line; no row is wider than the screen but for the blank it ends at."""
    clean = plain(text).lines[0].text
    starts = breaks(clean, width, words=words)
    rows = [clean[a:b] for a, b in zip(starts, [*starts[1:], len(clean)], strict=True)]
    assert "".join(rows) == clean
    assert all(cell_len(row.removesuffix(" ")) <= width or len(row) == 1 for row in rows)


@given(st.lists(TEXT, max_size=12))
def test_a_body_is_its_lines(lines):
    """Offsets into one string give the same lines as a split."""
    data = "\n".join(lines).encode()
    document = Body.of(data)
    expected = plain("\n".join(lines))
    assert [document.line(at).text for at in range(len(document))] == [line.text for line in expected.lines]


def test_a_line_of_a_megabyte_is_rows_by_arithmetic():
    """Neither wrapping nor drawing one row reads the whole line."""
    document = Body.of(b"x" * 1_000_000)
    index = RowIndex(document, 100)
    assert index.extend(1.0)
    assert index.rows == 10_000
    assert index.giant(0)
    assert index.giant_row(0, 9_999) == (999_900, 1_000_000, "x" * 100)


@pytest.mark.parametrize("document", [Body.of(b"x" * 1_000_000), Lines([Line("x" * 1_000_000)])])
def test_a_line_that_is_not_wrapped_costs_what_can_be_scrolled_to(document):
    """Drawing it must not read all of it either."""
    index = RowIndex(document, 100, wrap=False)
    assert index.extend(1.0)
    assert index.rows == 1
    assert shown(document, 100, wrap=False) == ["x" * UNWRAPPED]


def test_wide_characters_of_a_very_long_line_never_pass_the_edge():
    """Half the width always fits, whatever the characters are."""
    document = Body.of(("漢" * (WORD_LIMIT + 1)).encode())
    assert all(cell_len(row) <= 40 for row in shown(document, 40))


def test_only_what_is_needed_is_indexed_at_first():
    """A document of many lines gives its first screen without its last line."""
    index = RowIndex(Lines([Line("a")] * 100_000), 80)
    index.extend(0, until_row=40)
    assert 40 < index.rows < 1_000
    assert not index.done


def test_json_folds_and_opens_again():
    """A closed block is one line that says how much it hides."""
    tree = JsonTree.of_text('{\n  "a": [\n    1,\n    2\n  ],\n  "b": 3\n}')
    tree.toggle(1)
    assert [tree.line(at).text for at in range(len(tree))][1] == '  "a": [ … 2 lines'
    assert len(tree) == 5
    tree.toggle(1)
    assert len(tree) == 7


def test_folding_inside_a_block_closes_that_block():
    """`enter` on a plain line folds what is around it."""
    tree = JsonTree.of_text('{\n  "a": [\n    1,\n    2\n  ]\n}')
    tree.toggle(2)
    assert len(tree) == 4


def test_a_folding_document_hides_what_is_closed_from_the_start():
    """Reasoning is closed when a chat is opened."""
    document = Folding([Line("head"), Line("hidden"), Line("after")], {0: 2}, {0})
    assert [document.line(at).text for at in range(len(document))] == ["head … 1 line", "after"]


@pytest.mark.parametrize("document", [plain(NEEDLES), Body.of(NEEDLES.encode())])
def test_search_finds_every_place(document):
    """Lines and bodies are searched alike."""
    assert find_all(document, "needle") == [(0, 4), (2, 0), (2, 7)]


def test_search_finds_what_crosses_a_block():
    """A hit across the seam of two searched blocks is found once."""
    data = b"x" * ((1 << 20) - 3) + b"needle" + b"y" * 100
    assert find_all(Body.of(data), "needle") == [(0, (1 << 20) - 3)]


def test_upper_case_makes_a_search_exact():
    """Lower case finds both."""
    document = plain("Error error")
    assert find_all(document, "error") == [(0, 0), (0, 6)]
    assert find_all(document, "Error") == [(0, 0)]


def test_the_nearest_hit_is_the_next_one_or_the_first():
    """Searching goes on from where one is, and round."""
    assert nearest([(1, 0), (5, 2)], 3) == 1
    assert nearest([(1, 0), (5, 2)], 6) == 0


@pytest.mark.parametrize(
    ("data", "how"),
    [
        (b"", "empty"),
        (b'{"a":1}', "JSON, indented"),
        (b'{"a":', "text, not valid JSON"),
        (b"data: {}\n\n", "events"),
        (b"plain", "raw"),
        (b"\x00\x01\x02", "binary, as hex"),
    ],
)
def test_a_body_is_shown_as_what_it_is(data, how):
    """JSON is indented, events are marked, binary is hex."""
    assert body(data)[1] == how


@given(
    st.text(alphabet="aAbB\u00e9\u0130 ", max_size=60), st.text(alphabet="aAbB\u00e9", min_size=1, max_size=3)
)
def test_a_body_is_searched_as_its_lines_are(text, term):
    """The quick way for plain text finds what the pattern finds, whatever the case and the characters."""
    document = Body.of(text.encode())
    assert find_all(document, term) == find_all(plain(text), term)


class Shown(App):
    """A text and nothing else, in the app's own styles."""

    CSS_PATH = STYLES

    def compose(self):
        yield TextView(Lines())


async def test_a_bar_beside_a_text_hides_no_character_and_leaves_no_row_short():
    """Rows end where the bar would be, whether it is there or not, and whatever was shown before."""
    line = "".join(str(at % 10) for at in range(100))
    app = Shown()
    async with app.run_test(size=(40, 12)) as pilot:
        view = app.query_one(TextView)
        for lines, bar in ((2, False), (50, True), (2, False), (50, True)):
            view.show(plain("\n".join([line] * lines), "log"))
            await until(pilot, lambda bar=bar: view.show_vertical_scrollbar is bar, "the bar")
            rows = [row.strip() for row in screen_text(app).split("\n")[:3]]
            assert ["".join(rows), len(rows[0]), len(rows[1])] == [line, 37, 37], (lines, bar)


@given(st.lists(TEXT, min_size=1, max_size=6), st.integers(8, 40))
def test_a_body_that_grows_ends_as_the_whole_one(parts, width):
    """Its rows too: only the last line is measured again, however often it grew."""
    text = plain("\n".join(parts)).lines
    printable = "\n".join(line.text for line in text)
    blocks = [printable[at : at + 7] for at in range(0, len(printable), 7)]
    growing = Body(iter(blocks), "text", ascii_only=printable.isascii())
    index = RowIndex(growing, width)
    for _ in range(len(blocks) + 1):
        growing.fill(iter([False, True]).__next__)
        index.extend(10.0)
    whole = Body.of_text(printable)
    assert growing.complete
    assert index.final
    assert [growing.line(at) for at in range(len(growing))] == [whole.line(at) for at in range(len(whole))]
    assert shown(growing, width) == shown(whole, width)
    fresh = RowIndex(whole, width)
    fresh.extend(10.0)
    assert index.rows == fresh.rows
    assert [index.first_row(at) for at in range(len(growing))] == [
        fresh.first_row(at) for at in range(len(whole))
    ]


def test_the_beginning_of_a_large_body_stands_before_the_rest_is_read():
    """A screen needs no more; the rest comes with `fill`, until that is told to stop."""
    data = b"x" * 70_000 + b"\r\n" + b"y" * 1_000_000
    body = Body.begin(data)
    assert 0 < body.size < 70_000
    assert not body.complete
    body.fill(cancelled=lambda: True)
    assert not body.complete
    body.fill()
    assert body.complete
    assert [body.length(at) for at in range(len(body))] == [70_000, 1_000_000]


@pytest.mark.parametrize("before", [65_534, 65_535, 65_536])
def test_a_line_break_that_is_cut_in_two_is_one(before):
    """CR at the end of a block and LF at the beginning of the next; a lone CR shows."""
    body = Body.of(b"x" * before + b"\r\n" + b"y" * 300_000 + b"\r")
    assert [body.length(at) for at in range(len(body))] == [before, 300_002]


def test_search_waits_for_what_is_still_missing_of_a_body():
    """A hit in the part that was not there when the search began."""
    body = Body.begin(b"x" * 3_000_000 + b"needle")
    rest = threading.Timer(0.05, body.fill)
    rest.start()
    assert find_all(body, "needle") == [(0, 3_000_000)]
    rest.join()


def test_search_that_is_not_wanted_any_more_waits_for_nothing():
    """The body may never be filled."""
    assert find_all(Body.begin(b"x" * 3_000_000), "needle", lambda: True) == []
