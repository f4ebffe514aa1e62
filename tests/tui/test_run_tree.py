"""The tree of Runs without a screen: what can be seen, in which order, with which lines before it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.scenes import gate, step
from workbench.domain.run import Run
from workbench.tui.run_inside import asked_as
from workbench.tui.run_tree import MOST, Node, TreeWindow, top


def run(number, **fields):
    """Return a run that started at `number`."""
    values = {"kind": "session", "title": "t", "status": "passed", "exchanges": 9, **fields}
    return Run(id=f"run_{number}", started_at=number, **values)


def inner(node, name, *, inside=True):
    """Return a row inside another one."""
    return Node(id=f"{node.id}/{name}", started_at=1, kind="turn", run=node.run, inside=inside)


def seen(window):
    """Return the tree's lines with the last part of each row's id."""
    return [window.lines.get(row.id, "") + row.id.rpartition("/")[2] for row in window.rows]


def unfolded(window, at, *names, more=False):
    """Unfold the row at `at` and put rows into it."""
    node = window.rows[at]
    window.unfold(node)
    window.put(node.id, [inner(node, name) for name in names], more=more, anew=False)
    return node


def test_rows_unfold_in_place_and_the_lines_say_where_they_hang():
    """Depth first; the last one of each has a corner; what is not read yet is a row too."""
    window = TreeWindow()
    window.reset([top(run(2)), top(run(1))], more=False)
    unfolded(window, 0, "a", "b", more=True)
    unfolded(window, 1, "c")
    unfolded(window, 3, "d", "e")
    assert ["run_2", "├a", "│  └c", "├b", "│  ├d", "│  └e", "└more", "run_1"] == seen(window)
    window.fold("run_2")
    assert ["run_2", "run_1"] == seen(window)
    window.unfold(window.rows[0])
    assert ["run_2", "├a", "│  └c", "├b", "│  ├d", "│  └e", "└more", "run_1"] == seen(window)
    window.fold_all()
    window.unfold(window.rows[0])
    assert ["run_2", "└more", "run_1"] == seen(window)


def test_what_is_missing_is_asked_for_once_and_again_after_a_failure():
    """Only for rows on the screen, each from behind the last row that is known."""
    window = TreeWindow()
    window.reset([top(run(1))], more=False)
    window.unfold(window.rows[0])
    assert [(window.rows[0], None)] == window.missing(window.rows)
    assert [] == window.missing(window.rows)
    window.failed("run_1")
    assert 1 == len(window.missing(window.rows))
    window.put("run_1", [inner(window.rows[0], "a")], more=True, anew=False)
    assert [] == window.missing(window.rows[:2])
    assert ["run_1/a"] == [after.id for _, after in window.missing(window.rows)]
    window.put("run_1", [inner(window.rows[0], "a"), inner(window.rows[0], "b")], more=False, anew=False)
    assert ["run_1", "├a", "└b"] == seen(window)


def test_only_what_may_have_changed_is_read_again():
    """A run that goes on, and one whose reading is another; a finished one is left alone."""
    window = TreeWindow()
    window.reset([top(run(3, status="running")), top(run(2)), top(run(1))], more=False)
    for at in (4, 2, 0):
        if at < len(window.rows):
            unfolded(window, at, "a")
    assert ["run_3"] == [node.id for node, _ in window.stale(window.rows)]
    window.merge_newest([top(run(3, status="running")), top(run(1, exchanges=10))], more=True)
    assert {"run_3", "run_1"} == {node.id for node, _ in window.stale(window.rows)}
    assert ["run_3"] == [node.id for node, _ in window.stale(window.rows)]


def test_a_row_of_very_many_keeps_a_bounded_number_and_says_where_the_rest_is():
    """What is beyond is in the list of exchanges."""
    window = TreeWindow()
    window.reset([top(run(1))], more=False)
    unfolded(window, 0, *map(str, range(MOST + 50)), more=True)
    assert MOST + 2 == len(window)
    assert window.full("run_1")
    assert [] == window.missing(window.rows)


def test_a_run_can_stand_below_the_one_it_was_made_from():
    """The way to a row is its name: both places fold by themselves."""
    window = TreeWindow()
    window.reset([top(run(2, parent="run_1")), top(run(1))], more=False)
    node = window.rows[1]
    window.unfold(node)
    below = Node(id="run_1/run_2", started_at=2, kind="run", run=run(2), inside=True)
    window.put(node.id, [below], more=False, anew=False)
    unfolded(window, 2, "a")
    assert ["run_2", "run_1", "└run_2", "   └a"] == seen(window)
    assert [1, 2, 2, 2] == [window.number(row) for row in window.rows]


@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.booleans()), max_size=12),
    st.integers(0, 8),
)
def test_pages_of_runs_keep_what_is_unfolded_and_count_the_rows_that_go(count, moves, older):
    """Whatever is unfolded: rows stay in order, and the number of dropped rows is what the top lost."""
    window = TreeWindow(limit=12)
    window.reset([top(run(100 - number)) for number in range(count)], more=True)
    for at, size, fold in moves:
        node = window.rows[at % len(window.rows)]
        if node.kind == "more":
            continue
        if fold:
            window.fold(node.id)
        else:
            unfolded(window, window.index(node.id), *(f"{number}" for number in range(size)))
    before = [row.id for row in window.rows]
    dropped = window.add_older([top(run(80 - number)) for number in range(older)], more=False)
    after = [row.id for row in window.rows]
    assert before[dropped:] == after[: len(before) - dropped]
    assert len(after) == len(set(after))
    assert [row.id for row in window.tops.rows] == [way for way in after if "/" not in way]
    for row in window.rows:
        depth = row.id.count("/")
        assert len(window.lines.get(row.id, "")) == (3 * depth - 2 if depth else 0)


def test_a_steps_questions_are_told_by_how_their_names_begin():
    """As the workflow names them; a step that asks nothing has none."""
    made = run(1, kind="workflow")
    assert "plan-" == asked_as(step(made, 1, "plan", "plan"))
    assert "file:src/a.py#" == asked_as(step(made, 2, "scaffold", "src/a.py"))
    assert "repair-2#" == asked_as(step(made, 3, "repair", "repair 2"))
    assert asked_as(step(made, 4, "verify", "verify", gates=[gate("tests")])) is None
