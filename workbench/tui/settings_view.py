"""Settings as rows and as the few lines about the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from workbench.domain.text import one_line
from workbench.tui.paint import fit
from workbench.tui.widgets.itemlist import Item

if TYPE_CHECKING:
    from workbench.control.setting_facts import SettingFacts

_RESTART = "counts once the router is restarted (^r does it)"
EFFECTS = {
    "router": _RESTART,
    "recording": _RESTART,
    "retention": "counts for the next prune; the router's own pruning takes it once restarted (^r)",
    "workflow": "counts for the next run",
    "tui": "counts at once",
}
_WIDE = 110
OF_THE_ROUTER = frozenset({"router", "recording", "retention"})
"""Sections that the router reads when it starts."""


def shown(value: Any) -> str:
    """Return a value as it is typed."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def setting_items(found: list[SettingFacts], width: int) -> list[Item]:
    """Return a heading for each section and a row for each setting; what is changed stands out."""
    wide = width >= _WIDE
    items: list[Item] = []
    section = ""
    for facts in found:
        name, _, key = facts.name.partition(".")
        if name != section:
            section = name
            items += [Item("", ()), Item("", ((f" {name}", "bold accent"), (f"   {EFFECTS[name]}", "faint")))]
        origin = "second" if facts.origin != "default" else "faint"
        changed = facts.setting.value != facts.setting.default
        value = one_line(shown(facts.setting.value), 60)
        items.append(
            Item(
                facts.name,
                (
                    (" ● " if changed else "   ", "mark"),
                    (fit(key, 22), "bold"),
                    (fit(value, 20 if wide else 13) + " ", "bold mark" if changed else ""),
                    (fit(facts.where, 24 if wide else 18) + " ", origin),
                    (facts.setting.sentence, "dim"),
                ),
            )
        )
    return items[1:]


def about(facts: SettingFacts) -> Text:
    """Return the sentence, what may be written, the default, and where the value comes from."""
    none = ", or none" if facts.optional else ""
    text = Text(one_line(f"{facts.name}: {facts.setting.sentence}", 300) + "\n", style="bold")
    text.append(f"takes {facts.takes}{none}; default {shown(facts.setting.default)}\n", style="not bold")
    if facts.origin == "environment":
        text.append(f"set by {facts.where}, which counts more than workbench.yaml", style="not bold")
    elif facts.origin == "file":
        text.append(f"set in {facts.where}; x takes it out again", style="not bold dim")
    else:
        text.append("not set: the default counts", style="not bold dim")
    return text
