"""Our own two themes. Colour says what something is (a role, a state); it never says it alone.

The `wb-…` variables are what `workbench.tui.paint` reads; a theme without them (any of Textual's) gets
them from its primary, secondary and state colours.
"""

from __future__ import annotations

from textual.theme import Theme

DARK = "workbench-dark"
LIGHT = "workbench-light"

_CURSOR = {
    "block-cursor-text-style": "none",
    "block-cursor-blurred-text-style": "none",
    "input-cursor-text-style": "reverse",
}

WORKBENCH_DARK = Theme(
    name=DARK,
    primary="#7cc4b8",
    secondary="#8fb1e3",
    accent="#e2b36b",
    success="#8ec07c",
    warning="#e2b36b",
    error="#e57f76",
    foreground="#d6d9dc",
    background="#121517",
    surface="#171b1e",
    panel="#1f2528",
    boost="#262d31",
    dark=True,
    variables={
        **_CURSOR,
        "block-cursor-background": "#22343a",
        "block-cursor-foreground": "#eef1f2",
        "block-cursor-blurred-background": "#1c2528",
        "block-cursor-blurred-foreground": "#d6d9dc",
        "input-selection-background": "#2f545499",
        "border": "#33525a",
        "border-blurred": "#262d31",
        "scrollbar": "#2c3539",
        "scrollbar-hover": "#3b484d",
        "scrollbar-active": "#7cc4b8",
        "scrollbar-background": "#14181a",
        "scrollbar-background-hover": "#14181a",
        "scrollbar-background-active": "#14181a",
        "scrollbar-corner-color": "#14181a",
        "footer-background": "#171b1e",
        "wb-user": "#8fb1e3",
        "wb-assistant": "#7cc4b8",
        "wb-system": "#a7a1c9",
        "wb-tool": "#d59b7a",
    },
)

WORKBENCH_LIGHT = Theme(
    name=LIGHT,
    primary="#1d6f66",
    secondary="#2f5fa8",
    accent="#96600a",
    success="#3d7324",
    warning="#96600a",
    error="#b3372d",
    foreground="#24292c",
    background="#fbfaf7",
    surface="#f3f2ed",
    panel="#e9e8e1",
    boost="#dfded6",
    dark=False,
    variables={
        **_CURSOR,
        "block-cursor-background": "#d3e5e0",
        "block-cursor-foreground": "#101516",
        "block-cursor-blurred-background": "#e6ebe6",
        "block-cursor-blurred-foreground": "#24292c",
        "input-selection-background": "#b6dcd5",
        "border": "#8fb8b0",
        "border-blurred": "#dcdbd3",
        "scrollbar": "#cfcec6",
        "scrollbar-hover": "#b4b3ab",
        "scrollbar-active": "#1d6f66",
        "scrollbar-background": "#f3f2ed",
        "scrollbar-background-hover": "#f3f2ed",
        "scrollbar-background-active": "#f3f2ed",
        "scrollbar-corner-color": "#f3f2ed",
        "footer-background": "#f3f2ed",
        "wb-user": "#2f5fa8",
        "wb-assistant": "#1d6f66",
        "wb-system": "#6b5b95",
        "wb-tool": "#99501f",
    },
)

OWN = (WORKBENCH_DARK, WORKBENCH_LIGHT)
