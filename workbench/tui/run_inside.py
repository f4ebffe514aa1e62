"""What is inside a row of Runs, read page by page. Everything here blocks: call it in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from workbench.domain.run import Run, Step
from workbench.tui.run_tree import PAGE, Kind, Node, top

if TYPE_CHECKING:
    from workbench.domain.exchange import Exchange
    from workbench.store.reader import Reader
    from workbench.store.run_inside import Turn


class Inside(NamedTuple):
    """A page of the rows inside a row, and whether there are more."""

    rows: list[Node]
    more: bool


def inside(reader: Reader, node: Node, after: Node | None = None, limit: int = PAGE) -> Inside:
    """Return the rows inside `node` behind `after`. Raises UnknownId when it is gone."""
    if node.kind == "run":
        return _of_run(reader, node, after, limit)
    if node.kind == "step":
        return _of_step(reader, node, after, limit)
    if node.kind == "fork" and node.exchange is not None:
        return _fork(reader, node, after, limit)
    return _of_exchange(reader, node, after, limit)


def _of_run(reader: Reader, node: Node, after: Node | None, limit: int) -> Inside:
    if after is not None and after.kind == "run":
        return Inside([], more=False)
    if node.run.kind == "workflow":
        rows = _steps(reader, node, after)
    elif node.run.kind == "session":
        rows = _turns(reader, node, after, limit + 1)
    else:
        rows = _results(reader, node, after, limit + 1)
    if len(rows) > limit:
        return Inside(rows[:limit], more=True)
    return Inside([*rows, *_made_from(reader, node)], more=False)


def _steps(reader: Reader, node: Node, after: Node | None) -> list[Node]:
    from workbench.store.run_inside import step_sums

    first = after.value.seq if after is not None and isinstance(after.value, Step) else 0
    sums = step_sums(reader, node.run.id)
    return [_step(node, step, sums) for step in reader.steps(node.run.id) if step.seq > first]


def _step(node: Node, step: Step, sums: dict[str, tuple[int, int, float]]) -> Node:
    asked = asked_as(step)
    own = [found for name, found in sums.items() if asked and name.startswith(asked)]
    figures = (sum(one[0] for one in own), sum(one[1] for one in own), sum(one[2] for one in own))
    return Node(
        id=f"{node.id}/step:{step.seq}",
        started_at=step.started_at or node.started_at,
        kind="step",
        run=node.run,
        value=step,
        inside=bool(own or step.detail.get("gates")),
        figures=figures if own else None,
    )


def asked_as(step: Step) -> str | None:
    """Return how the names begin under which a step sends its questions (`workflow.planning`, `.scaffold`,
    `.repair`); None for one that asks nothing.
    """
    match step.kind:
        case "plan":
            return "plan-"
        case "scaffold":
            return f"file:{step.name}#"
        case "repair":
            return f"repair-{step.name.rpartition(' ')[2]}#"
        case _:
            return None


def _turns(reader: Reader, node: Node, after: Node | None, limit: int) -> list[Node]:
    from workbench.store.run_inside import turns

    last = after.exchange.id if after is not None and after.exchange is not None else None
    return [_turn(node, turn) for turn in turns(reader, node.run.id, after=last, limit=limit)]


def _turn(node: Node, turn: Turn, kind: Kind = "turn") -> Node:
    row = _exchange(node, kind, turn.exchange)
    row.forks = turn.forks
    row.inside = row.inside or turn.forks > 0 or (kind == "fork" and turn.goes_on)
    return row


def _results(reader: Reader, node: Node, after: Node | None, limit: int) -> list[Node]:
    from workbench.store.run_inside import members

    last = after.exchange.id if after is not None and after.exchange is not None else None
    found = members(reader, node.run.id, after=last, limit=limit)
    return [_exchange(node, "result" if item.replay_of else "exchange", item) for item in found]


def _made_from(reader: Reader, node: Node) -> list[Node]:
    """Return forks and replays of a run that were made from it; a run is not shown inside itself."""
    from workbench.store.run_inside import made_from

    above = node.id.split("/")
    return [
        Node(
            id=f"{node.id}/{run.id}",
            started_at=run.started_at,
            kind="run",
            run=run,
            inside=bool(run.steps or run.exchanges),
        )
        for run in made_from(reader, node.run.id)
        if run.id not in above
    ]


def _of_step(reader: Reader, node: Node, after: Node | None, limit: int) -> Inside:
    from workbench.store.run_inside import members

    step: Step = node.value
    rows = [] if after is not None else _gates(node, step)
    asked = asked_as(step)
    if asked is None:
        return Inside(rows, more=False)
    last = after.exchange.id if after is not None and after.exchange is not None else None
    found = members(reader, node.run.id, step=asked, after=last, limit=limit + 1)
    rows += [_exchange(node, "exchange", item) for item in found[:limit]]
    return Inside(rows, more=len(found) > limit)


def _gates(node: Node, step: Step) -> list[Node]:
    gates = [gate for gate in step.detail.get("gates") or () if isinstance(gate, dict)]
    return [
        Node(id=f"{node.id}/gate:{number}", started_at=node.started_at, kind="gate", run=node.run, value=gate)
        for number, gate in enumerate(gates)
    ]


def _fork(reader: Reader, node: Node, after: Node | None, limit: int) -> Inside:
    """Return what is inside a fork's first turn, then the turns behind it."""
    from workbench.store.run_inside import fork_turns

    assert node.exchange is not None
    rows: list[Node] = []
    if after is None or after.kind != "turn":
        page = _of_exchange(reader, node, after, limit)
        if page.more:
            return page
        rows, after = page.rows, None
    last = after.exchange.id if after is not None and after.exchange is not None else None
    found = fork_turns(reader, node.run.id, node.exchange.id, after=last, limit=limit + 1)
    return Inside([*rows, *(_turn(node, turn) for turn in found[:limit])], more=len(found) > limit)


def _of_exchange(reader: Reader, node: Node, after: Node | None, limit: int) -> Inside:
    """Return the attempts of an exchange, then the forks at it."""
    from workbench.store.run_inside import forks

    assert node.exchange is not None
    rows: list[Node] = []
    if after is None and node.exchange.attempts > 1:
        rows = _attempts(reader, node, node.exchange)
    if not node.forks:
        return Inside(rows, more=False)
    last = after.exchange.id if after is not None and after.exchange is not None else None
    found = forks(reader, node.run.id, node.exchange.id, after=last, limit=limit + 1)
    rows += [_turn(node, turn, "fork") for turn in found[:limit]]
    return Inside(rows, more=len(found) > limit)


def _attempts(reader: Reader, node: Node, exchange: Exchange) -> list[Node]:
    return [
        Node(
            id=f"{node.id}/attempt:{attempt.number}",
            started_at=attempt.started_at,
            kind="attempt",
            run=node.run,
            exchange=exchange,
            value=attempt,
        )
        for attempt in reader.attempts(exchange.id)
    ]


def _exchange(node: Node, kind: Kind, exchange: Exchange) -> Node:
    return Node(
        id=f"{node.id}/{'fork:' if kind == 'fork' else ''}{exchange.id}",
        started_at=exchange.started_at,
        kind=kind,
        run=node.run,
        exchange=exchange,
        inside=exchange.attempts > 1,
    )


def again(reader: Reader, rows: Sequence[tuple[Node, int]]) -> list[tuple[str, Inside]]:
    """Return new readings of what is inside rows, each with its id; rows that are gone are left out."""
    from workbench.domain.errors import UnknownId

    found = []
    for node, limit in rows:
        read: Callable[[], Inside] = partial(inside, reader, node, limit=limit)
        try:
            found.append((node.id, read()))
        except UnknownId:
            continue
    return found


def fresh(reader: Reader, runs: Sequence[Run]) -> list[Node]:
    """Return the rows of new readings of runs; those that are gone are left out."""
    from workbench.domain.errors import UnknownId

    found = []
    for run in runs:
        try:
            found.append(top(reader.run(run.id)))
        except UnknownId:
            continue
    return found
