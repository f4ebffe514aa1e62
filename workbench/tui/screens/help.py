"""Every key of the place you are in, generated from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from workbench.tui.document import Line, Lines
from workbench.tui.widgets.textview import TextView

_GROUPS = (
    ("Here", ("exchanges.", "exchange.", "runs.", "run.", "new.", "router.", "compare.", "diff.", "stats.")),
    ("Also here", ("retention.", "settings.", "filter.", "find.", "back")),
    ("In a list", ("list.", "tree.")),
    ("In a text", ("text.",)),
    ("Everywhere", ("",)),
)
LEGEND = (
    ("✓ ✗ ! ◌", "answered, failed, interrupted, running"),
    ("★ ↻ ≡ ✎", "pinned, a replay, from the router's cache, has a note"),
    ("⚒ ▒ ×2 ◆", "called tools, redacted, two attempts, marked"),
    ("▸ ▾ ⇉2 ↳", "folded, unfolded, two forks, made from another run"),
)


class HelpScreen(ModalScreen[None]):
    """Scrolls like any text; `?` or `esc` closes it."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen > Vertical {
        width: 78; max-width: 96%; height: 90%; background: $panel; border: round $border; padding: 0 1;
    }
    HelpScreen TextView { background: $panel; }
    HelpScreen .head { text-style: bold; color: $primary; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "Close", show=False, id="help.close")
    ]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._lines = Lines(_lines(below))

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("Keys", classes="head")
            yield TextView(self._lines)


def _lines(screen: Screen[Any]) -> Iterator[Line]:
    bindings = keys_of(screen)
    for title, prefixes in _GROUPS:
        chosen = [found for found in bindings if found[0].startswith(prefixes)]
        bindings = [found for found in bindings if found not in chosen]
        if not chosen:
            continue
        yield Line(title, "bold accent")
        for _, keys, text in chosen:
            yield Line(text, "text", 24, f"  {keys}", "bold")
        yield Line("")
    yield Line("Signs", "bold accent")
    for glyphs, meaning in LEGEND:
        yield Line(meaning, "text", 24, f"  {glyphs}", "mark")


def keys_of(screen: Screen[Any]) -> list[tuple[str, str, str]]:
    """Return (id, keys, what it does) of every binding that works on a screen, one row for each action."""
    rows: dict[tuple[str, str], list[str]] = {}
    for node in [*screen.query("*"), screen, screen.app]:
        for binding in node._bindings.key_to_bindings.values():
            for one in binding:
                if one.description and not one.system and one.id:
                    keys = rows.setdefault((one.id, one.description), [])
                    display = screen.app.get_key_display(one)
                    if display not in keys:
                        keys.append(display)
    return [(name, "  ".join(keys), text) for (name, text), keys in rows.items()]
