"""Named styles for everything that is drawn line by line, resolved from the theme once.

Widgets say what a piece of text is (``dim``, ``ok``, ``user``, ``json-key``) and never which colour. Text
that came from outside must have passed `workbench.domain.text.printable` before it comes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.strip import Strip

Piece = tuple[str, str]
"""(text, name of a style)"""

_BLENDS = {"dim": 0.62, "faint": 0.38, "line": 0.18}
_NAMED = {
    "accent": "primary",
    "second": "secondary",
    "mark": "accent",
    "ok": "success",
    "warn": "warning",
    "bad": "error",
    "user": "wb-user",
    "assistant": "wb-assistant",
    "system": "wb-system",
    "tool": "wb-tool",
    "json-key": "secondary",
    "json-string": "success",
    "json-number": "accent",
    "json-word": "wb-system",
    "code-comment": "wb-comment",
    "code-keyword": "primary",
    "code-string": "success",
    "code-name": "secondary",
    "code-number": "accent",
}
_FALLBACKS = {
    "wb-user": "secondary",
    "wb-assistant": "primary",
    "wb-system": "accent",
    "wb-tool": "warning",
}


class Paint:
    """The styles of one theme; make a new one when the theme changes."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._styles: dict[str, Style] = {"": Style()}
        self._mixed: dict[Style, dict[str, Style]] = {}
        self._fill_tones()
        for name, variable in _NAMED.items():
            self._styles[name] = Style(color=self._colour(variable))
        self._styles["code-comment"] = self._styles["dim"]
        self._fill_backgrounds()
        self._fill_diffs()

    def style(self, name: str) -> Style:
        """Return the style of one or several space-separated names, such as ``bold ok``."""
        found = self._styles.get(name)
        if found is None:
            found = Style.combine(self._one(part) for part in name.split())
            self._styles[name] = found
        return found

    def strip(self, pieces: Iterable[Piece], width: int, base: Style) -> Strip:
        """Return exactly `width` cells: cut or filled, everything on top of `base`."""
        segments = self.over(pieces, base)
        length = sum(cell_len(text) for text, _, _ in segments)
        if length > width:
            return Strip(segments, length).crop(0, width)
        if length < width:
            segments.append(Segment(" " * (width - length), base))
        return Strip(segments, width)

    def over(self, pieces: Iterable[Piece], base: Style) -> list[Segment]:
        """Return Rich segments for pieces on top of `base`."""
        mixed = self._mixed.get(base)
        if mixed is None:
            mixed = self._mixed[base] = {}
        segments: list[Segment] = []
        for text, name in pieces:
            if not text:
                continue
            style = mixed.get(name)
            if style is None:
                style = mixed[name] = base + self.style(name)
            segments.append(Segment(text, style))
        return segments

    def _one(self, part: str) -> Style:
        return self._styles[part] if part in self._styles else Style.parse(part)

    def _colour(self, variable: str) -> str | None:
        value = self._variables.get(variable) or self._variables.get(_FALLBACKS.get(variable, ""), "")
        return _rich_colour(value)

    def _fill_tones(self) -> None:
        """Quieter tones of the foreground; where colours are the terminal's own, its dim attribute."""
        fore, back = self._parsed("foreground"), self._parsed("background")
        for name, factor in _BLENDS.items():
            if fore is None or back is None:
                self._styles[name] = Style(dim=True)
            else:
                self._styles[name] = Style(color=back.blend(fore, factor).rich_color)

    def _fill_backgrounds(self) -> None:
        cursor = _rich_colour(self._variables.get("block-cursor-background", ""))
        blurred = _rich_colour(self._variables.get("block-cursor-blurred-background", ""))
        plain = self._parsed("foreground") is None
        self._styles["cursor"] = Style(reverse=True) if plain else Style(bgcolor=cursor)
        self._styles["cursor-blurred"] = Style(bold=True) if plain else Style(bgcolor=blurred or cursor)
        self._styles["hit"] = Style(reverse=True)
        self._styles["hit-here"] = Style(reverse=True, bold=True, color=self._colour("accent"))
        self._styles["chip"] = Style(bgcolor=_rich_colour(self._variables.get("boost", "")))

    def _fill_diffs(self) -> None:
        for name, variable in (("add", "success"), ("del", "error")):
            colour, back = self._parsed(variable), self._parsed("background")
            tone = None if colour is None or back is None else back.blend(colour, 0.16).rich_color
            self._styles[f"diff-{name}"] = Style(color=self._colour(variable), bgcolor=tone)
            strong = None if colour is None or back is None else back.blend(colour, 0.38).rich_color
            self._styles[f"word-{name}"] = Style(bold=True, bgcolor=strong, underline=tone is None)

    def _parsed(self, variable: str) -> Color | None:
        try:
            colour = Color.parse(self._variables.get(variable, ""))
        except ColorParseError:
            return None
        return None if colour.ansi is not None else colour


def _rich_colour(value: str) -> str | None:
    """Return a theme's colour as Rich writes it, or None for the terminal's default."""
    if not value or value == "ansi_default":
        return None
    if value.startswith("ansi_"):
        return value.removeprefix("ansi_")
    try:
        return Color.parse(value).hex6
    except ColorParseError:
        return None


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` as exactly `width` cells: padded, or cut with an ellipsis; wide characters counted."""
    if width <= 0:
        return ""
    size = len(text) if text.isascii() else cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…"
    space = " " * (width - size)
    return space + text if right else text + space


def runs(text: str, styles: list[Style]) -> list[Segment]:
    """Return segments of equal style."""
    segments: list[Segment] = []
    begin = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or (styles[at] is not styles[begin] and styles[at] != styles[begin]):
            segments.append(Segment(text[begin:at], styles[begin]))
            begin = at
    return segments
