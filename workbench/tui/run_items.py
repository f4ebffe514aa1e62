"""What there is to see of a run: the rows of its left side, and its one-line state."""

from __future__ import annotations

from workbench.domain.run import Run
from workbench.domain.text import one_line
from workbench.tui import format as fmt
from workbench.tui.paint import Piece
from workbench.tui.run_picture import FileState, GateState, RunPicture
from workbench.tui.run_row import glyph
from workbench.tui.widgets.itemlist import Item


def items_of(picture: RunPicture, run: Run | None) -> list[Item]:
    """Return the rows: overview, plan, files, gates, web smoke, log, report."""
    rows = [_row("overview", "Overview", _status(picture, run))]
    rows.append(_row("plan", "Plan", _plan_status(picture)))
    rows += _files(picture)
    rows += _gates(picture)
    if picture.smoke:
        rows += [_heading("web smoke"), _row("smoke", "Log", "running" if not picture.ended else "closed")]
    rows += [_heading("record"), _row("log", "What happened", "")]
    if picture.ended:
        rows.append(_row("report", "Report", ""))
    return rows


def _files(picture: RunPicture) -> list[Item]:
    paths = list(dict.fromkeys([*picture.planned, *picture.files]))
    if not paths:
        return []
    done = sum(1 for file in picture.files.values() if file.status == "written")
    rows = [_heading(f"files  {done} of {len(paths)}")]
    for path in paths:
        file = picture.files.get(path, FileState(path, status="pending"))
        note = f"  try {file.attempt}" if file.attempt > 1 else ""
        rows.append(_row(f"file:{path}", tail(one_line(path, 200), 36), file.status, note))
    return rows


def tail(path: str, width: int) -> str:
    """Return the end of a path: the file's name is what tells files apart."""
    return path if len(path) <= width else "…" + path[1 - width :]


def _gates(picture: RunPicture) -> list[Item]:
    if not picture.gates:
        return []
    passed = sum(1 for gate in picture.gates.values() if gate.status == "passed")
    rows = [_heading(f"gates  {passed} of {len(picture.gates)} passed")]
    for gate in picture.gates.values():
        note = f"  {fmt.duration(gate.duration_ms)}" if gate.duration_ms is not None else ""
        rows.append(_row(f"gate:{gate.name}", one_line(gate.name, 60), gate.status, note))
    return rows


def _heading(text: str) -> Item:
    return Item("", ((f" {text}", "faint"),))


def _row(key: str, text: str, status: str, note: str = "") -> Item:
    sign: Piece = glyph(status) if status else (" ", "")
    return Item(key, ((f" {sign[0]} ", sign[1]), (text, ""), (note, "faint")))


def _status(picture: RunPicture, run: Run | None) -> str:
    if picture.waiting:
        return "waiting"
    return picture.status if picture.run else (run.status if run is not None else "running")


def _plan_status(picture: RunPicture) -> str:
    if picture.waiting:
        return "waiting"
    if picture.plan is not None:
        return "passed"
    return "running" if not picture.ended else "failed"


def newest_key(picture: RunPicture) -> str:
    """Return the row in which something happens now."""
    if picture.ended:
        return "overview"
    if picture.waiting or picture.plan is None:
        return "plan"
    gates: list[GateState] = [gate for gate in picture.gates.values() if gate.status == "running"]
    if gates:
        return f"gate:{gates[-1].name}"
    files = [file for file in picture.files.values() if file.status == "writing"]
    if files:
        return f"file:{files[-1].path}"
    return f"gate:{next(reversed(picture.gates))}" if picture.gates else "log"


def title_of(picture: RunPicture, run: Run | None, now_us: int) -> str:
    """Return status, what is done now, time and title in one line."""
    status = _status(picture, run)
    sign, _ = glyph(status)
    started = picture.started_at or (run.started_at if run is not None else now_us)
    ended = picture.ended_at or (run.ended_at if run is not None else None) or now_us
    title = picture.title or (run.title if run is not None else "")
    running = [step for step in picture.steps.values() if step.status == "running"]
    doing = "" if picture.ended or not running else f"  {running[-1].kind} {one_line(running[-1].name, 40)}"
    progress = _progress(picture)
    return (
        f"{sign} {status}{doing}  {progress}{fmt.duration((ended - started) / 1000)}  {one_line(title, 160)}"
    )


def _progress(picture: RunPicture) -> str:
    """Return a bar over files and gates while the run goes, with what is left."""
    total = len(picture.planned)
    if picture.ended or not total:
        return ""
    done = sum(1 for file in picture.files.values() if file.status == "written")
    filled = round(done / total * 10)
    return f"{'█' * filled}{'░' * (10 - filled)} {done}/{total} files  "
