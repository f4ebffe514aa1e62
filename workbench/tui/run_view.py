"""A run as lines: its facts, its steps with files and gates, its plan, its report."""

from __future__ import annotations

from typing import Any

from workbench.domain.run import Run, Step
from workbench.domain.text import one_line
from workbench.tui import format as fmt
from workbench.tui.document import Line, Lines, clean
from workbench.tui.facts_view import fact
from workbench.tui.run_row import glyph


def overview(run: Run, steps: list[Step]) -> Lines:
    """Return facts and steps of a run."""
    lines = Lines(_facts(run))
    if steps:
        lines.lines += [Line(""), Line("steps", "bold accent")]
        for step in steps:
            lines.lines += _step(step)
    if run.brief:
        lines.lines += [Line(""), Line("brief", "bold accent")]
        lines.add(run.brief, "prose", indent=2)
    return lines


def _facts(run: Run) -> list[Line]:
    sign, style = glyph(run.status)
    took = fmt.duration((run.ended_at - run.started_at) / 1000) if run.ended_at else ""
    pairs = [
        ("started", f"{fmt.moment(run.started_at)}   {took}".rstrip()),
        ("recipe", run.recipe),
        ("model", run.model),
        ("exchanges", f"{run.exchanges:,}   {fmt.exact(run.input_tokens + run.output_tokens)} tokens"),
        ("cost", fmt.money(run.cost_usd)),
        ("stopped", run.stop_reason),
        ("from", run.parent),
        ("app", run.path),
        ("tags", ", ".join(run.tags) or None),
        ("note", run.note),
        ("id", run.id),
    ]
    head = fact("status", f"{sign} {run.status}", style)
    return [head, *(fact(name, one_line(str(value), 400)) for name, value in pairs if value)]


def _step(step: Step) -> list[Line]:
    gates = [gate for gate in step.detail.get("gates", []) if isinstance(gate, dict)]
    return _step_head(step) + [_gate(gate) for gate in gates]


def _step_head(step: Step) -> list[Line]:
    sign, style = glyph(step.status)
    took = (step.ended_at - step.started_at) / 1000 if step.ended_at and step.started_at else None
    name = one_line(step.name, 80)
    text = f"{step.kind}  {name}" if name and name != step.kind else step.kind
    lines = [
        Line(
            f"{text}  {fmt.duration(took) if took is not None else ''}".rstrip(),
            "text",
            4,
            f"  {sign}",
            style,
        )
    ]
    error = step.detail.get("error")
    if error:
        lines.append(Line(one_line(str(error), 300), "bad", 6))
    return lines


def _gate(gate: dict[str, Any]) -> Line:
    status = gate.get("status") or ("passed" if gate.get("passed") else "failed")
    sign, style = glyph(str(status))
    name = one_line(str(gate.get("gate") or gate.get("name") or "gate"), 40)
    took = gate.get("duration_ms")
    text = f"{name}  {fmt.duration(took) if isinstance(took, int | float) else ''}"
    return Line(text.rstrip(), "dim", 8, f"      {sign}", style)


def step_view(step: Step) -> Lines:
    """Return what there is to say of one step: facts, its error, its gates with the ends of their logs."""
    lines = Lines(_step_head(step))
    facts = [(name, value) for name, value in step.detail.items() if name not in {"gates", "error", "checks"}]
    lines.lines += [fact(one_line(str(name), 16), one_line(_said(value), 400)) for name, value in facts]
    for gate in step.detail.get("gates", []):
        if isinstance(gate, dict):
            lines.lines.append(Line(""))
            lines.lines += gate_view(gate).lines
    return lines


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def gate_view(gate: dict[str, Any]) -> Lines:
    """Return one gate's result and the end of its log."""
    lines = Lines([_gate(gate)])
    argv = gate.get("argv")
    if isinstance(argv, list):
        lines.add("$ " + " ".join(map(str, argv)), "dim")
    if reason := gate.get("reason"):
        lines.add(str(reason), "bad")
    lines.add(str(gate.get("tail") or "").rstrip("\n"), "log")
    return lines


def plan_lines(plan: dict[str, Any]) -> Lines:
    """Return a plan as people read it: summary, files with their purpose, acceptance."""
    lines = Lines([Line("plan", "bold accent")])
    lines.add(str(plan.get("summary", "")), "prose", indent=2)
    files = [file for file in plan.get("files", []) if isinstance(file, dict)]
    lines.lines += [Line(""), Line(f"files  {len(files)}", "bold accent")]
    width = min(44, max((len(str(file.get("path", ""))) for file in files), default=0) + 4)
    for file in files:
        path = clean(str(file.get("path", "?")))
        lines.lines.append(
            Line(one_line(str(file.get("purpose", "")), 400), "text", width, f"  {path}", "second")
        )
        if needs := file.get("depends_on"):
            lines.lines.append(Line("needs " + one_line(", ".join(map(str, needs)), 300), "faint", width))
    wanted = plan.get("acceptance") or []
    if wanted:
        lines.lines += [Line(""), Line("accepted when", "bold accent")]
        lines.lines += [Line(one_line(str(item), 400), "text", 4, "  •", "mark") for item in wanted]
    return lines
