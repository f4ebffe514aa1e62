"""Comparisons as lines: a verdict with its reasons, figures side by side, and a diff by word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.domain.text import one_line
from workbench.domain.verdict import Comparison
from workbench.tui import format as fmt
from workbench.tui.document import Line, Lines, clean
from workbench.tui.facts_view import fact
from workbench.tui.paint import Piece, fit

if TYPE_CHECKING:
    from workbench.replay.recorded import Recorded

VERDICTS: dict[str, Piece] = {
    "same": ("=", "ok"),
    "equivalent": ("≡", "ok"),
    "similar": ("≈", "mark"),
    "different": ("≠", "warn"),
    "failed": ("✗", "bad"),
}
_MS = ("latency_ms", "ttft_ms")
_BESIDE_LIMIT = 400_000
"""Longest two answers that are compared by word to be read side by side, in characters."""
_WORTH_MARKING = 0.2
"""Share of the longer answer that both must have for marks within the text to help."""


def verdict_line(comparison: Comparison) -> str:
    """Return the verdict in one line."""
    sign, _ = VERDICTS.get(comparison.verdict, ("?", ""))
    ids = f"{comparison.original} → {comparison.replay}"
    return f"{sign} {comparison.verdict}   {comparison.similarity:.0%} alike   {ids}"


def comparison_lines(comparison: Comparison, one: Recorded, two: Recorded) -> Lines:
    """Return reasons, figures and the diff of the answers."""
    from workbench.replay.readable import answer_text

    lines = Lines(reasons_and_figures(comparison))
    lines.lines += [Line(""), Line("answers", "bold accent")]
    diff = text_diff(answer_text(one), answer_text(two))
    lines.lines += diff.lines
    return lines


def reasons_and_figures(comparison: Comparison) -> list[Line]:
    """Return why the verdict is what it is, and the figures side by side."""
    sign, style = VERDICTS.get(comparison.verdict, ("?", "dim"))
    lines = [fact("verdict", f"{sign} {comparison.verdict}", f"bold {style}")]
    lines += [fact("" if at else "because", clean(reason)) for at, reason in enumerate(comparison.reasons)]
    lines += [Line(""), Line(fit("", 18) + fit("original", 26) + "replay", "faint")]
    equal = [name for name, (before, after) in comparison.facts.items() if before == after]
    for name, (before, after) in comparison.facts.items():
        if before != after:
            value = fit(_figure(name, before), 25) + " " + _figure(name, after)
            lines.append(fact(name.removesuffix("_ms").removesuffix("_usd"), value))
    if equal:
        lines.append(fact("equal", ", ".join(equal), "faint"))
    return lines


def _figure(name: str, value: Any) -> str:
    if name in _MS:
        return fmt.duration(value)
    if name.endswith("_usd"):
        return fmt.money(value)
    if isinstance(value, int) and not isinstance(value, bool) and name != "status":
        return fmt.exact(value)
    return "–" if value is None else one_line(str(value), 60)


def text_diff(first: str, second: str) -> Lines:
    """Return the diff of two texts; changed words carry marks besides their colour."""
    from workbench.replay.marks import marked_lines

    lines = Lines()
    for marked in marked_lines(first, second):
        text = clean(marked.plain())
        kind = {"-": "diff-del", "+": "diff-add", "@": "faint"}.get(marked.mark, "text")
        lines.lines += [Line(part, kind) for part in text.split("\n")]
    if not lines.lines:
        lines.lines.append(Line("equal, word for word", "ok", 2))
    return lines


def beside(original: str, answer: str) -> Lines:
    """Return the whole answer with its differences by word: ``[-gone-]`` and ``{+come+}``."""
    lines = Lines()
    if original == answer:
        lines.add(answer, "prose")
        return lines
    parts = _parts(original, answer)
    if parts is None:
        lines.lines.append(Line("in other words altogether", "faint"))
        lines.add(answer, "prose")
    else:
        lines.add("".join(parts), "words")
    return lines


def _parts(original: str, answer: str) -> list[str] | None:
    """Return the answer's parts with signs, None where signs would only flicker."""
    from workbench.replay.similarity import pieces

    longer = max(len(original), len(answer))
    if longer > _BESIDE_LIMIT:
        return None
    found = list(pieces(original, answer))
    kept = sum(len(piece.text) for piece in found if piece.mark == "same" and not piece.text.isspace())
    if kept < _WORTH_MARKING * longer:
        return None
    return [_signed(piece.mark, piece.text) for piece in found]


def _signed(mark: str, text: str) -> str:
    """Return a part with its signs, each line its own: a sign that spans lines is not seen as one."""
    if mark == "same" or not text.strip():
        return text if mark != "removed" else ""
    form = "[-{}-]" if mark == "removed" else "{{+{}+}}"
    return "\n".join(form.format(line) if line.strip() else line for line in text.split("\n"))
