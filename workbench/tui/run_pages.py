"""The right side of a run: what one row of its left side shows. Runs in a thread (files are read)."""

from __future__ import annotations

import time
from pathlib import Path

from workbench.domain.run import Run, Step
from workbench.settings.home import Home
from workbench.tui import format as fmt
from workbench.tui.body import Body
from workbench.tui.body_view import body
from workbench.tui.document import Document, Line, Lines, clean, plain
from workbench.tui.facts_view import fact
from workbench.tui.run_picture import RunPicture
from workbench.tui.run_row import glyph
from workbench.tui.run_view import overview, plan_lines

_CODE = {
    ".py",
    ".ts",
    ".tsx",
    ".js",
    ".jsx",
    ".mjs",
    ".css",
    ".html",
    ".toml",
    ".yaml",
    ".yml",
    ".sh",
    ".rs",
    ".go",
}
_FILE_LIMIT = 20_000_000


def page_of(key: str, picture: RunPicture, run: Run | None, steps: list[Step], home: Home) -> Document:
    """Return the document of a row of the left side."""
    kind, _, name = key.partition(":")
    match kind:
        case "plan":
            return _plan(picture)
        case "file":
            return _file(picture, name, home.generated / picture.run / name)
        case "gate":
            return _gate(picture, name)
        case "smoke":
            return plain(picture.smoke, "log")
        case "log":
            return _log(picture)
        case "report":
            return _report(home.runs / picture.run / "report.json")
        case _:
            return _overview(picture, run, steps)


def _overview(picture: RunPicture, run: Run | None, steps: list[Step]) -> Document:
    lines = Lines()
    if run is not None:
        lines.lines += overview(run, steps).lines
        return lines
    lines.lines += [
        fact("recipe", clean(picture.recipe)),
        fact("model", clean(picture.model)),
        Line(""),
        Line("brief", "bold accent"),
    ]
    lines.add(picture.brief, "prose", indent=2)
    return lines


def _plan(picture: RunPicture) -> Document:
    if picture.plan is not None:
        lines = plan_lines(picture.plan)
        if picture.waiting:
            keys = "a accepts it    s sends it back with your words    e edits it first"
            lines.lines[:0] = [Line("The plan waits for you.", "bold mark"), Line(keys, "mark"), Line("")]
        return lines
    if not picture.plan_text:
        return Lines([Line("No plan yet.", "dim")])
    return plain(picture.plan_text, "json")


def _file(picture: RunPicture, name: str, path: Path) -> Document:
    file = picture.files.get(name)
    if file is None:
        return Lines([Line("Planned, not asked for yet.", "dim")])
    kind = "code" if path.suffix in _CODE else "json" if path.suffix == ".json" else "prose"
    if file.status == "written":
        try:
            if path.stat().st_size < _FILE_LIMIT:
                return Body.of(path.read_bytes(), kind)
        except OSError:
            pass  # an older run whose app is gone: what was streamed is still known
    lines = plain(file.text, kind) if file.text else Lines([Line("Asked for…", "dim")])
    if file.reason:
        lines.lines[:0] = [Line(clean(file.reason).replace("\n", " "), "bad"), Line("")]
    return lines


def _gate(picture: RunPicture, name: str) -> Document:
    gate = picture.gates.get(name)
    if gate is None:
        return Lines()
    sign, style = glyph(gate.status)
    took = fmt.duration(gate.duration_ms) if gate.duration_ms is not None else ""
    code = f"exit {gate.exit_code}" if gate.exit_code is not None else ""
    lines = Lines([Line(f"{sign} {gate.status}  {took}  {code}".rstrip(), f"bold {style}")])
    lines.add("$ " + " ".join(gate.argv), "dim")
    if gate.reason:
        lines.add(gate.reason, style)
    lines.lines.append(Line(""))
    lines.add(gate.text.rstrip("\n"), "log")
    return lines


def _log(picture: RunPicture) -> Document:
    lines = Lines()
    for style, sentence in picture.log:
        lines.add(sentence, style or "text")
    return lines


def _report(path: Path) -> Document:
    for _ in range(5):
        try:
            return body(path.read_bytes())[0]
        except OSError:
            time.sleep(0.1)  # the run says that it ended a moment before its report is written
    return Lines([Line("There is no report.", "dim")])
