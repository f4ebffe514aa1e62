"""What is kept between two starts: small, and worth nothing when it is lost."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec


class State(msgspec.Struct, kw_only=True):
    """Theme, place and filters as they were left."""

    theme: str | None = None
    """Chosen in the app; None: the settings' own."""
    theme_over: str = "workbench-dark"
    """What the settings said when it was chosen: when they say something else, that is the later word."""
    place: str = "exchanges"
    filter: str = ""
    filters: list[str] = []
    """Filters used before, newest first."""
    run_filter: str = ""
    run_filters: list[str] = []
    run_kind: str = ""
    """The tab of Runs; empty: all kinds."""
    unfolded: list[str] = []
    """Rows of Runs that were open."""
    preview: bool | None = None
    run_preview: bool | None = None
    columns: list[str] | None = None
    """Columns of the list of exchanges; None: the usual ones."""
    tail: bool = True
    welcomed: bool = False


FILTERS_KEPT = 30
UNFOLDED_KEPT = 100


def load(path: Path) -> State:
    """Return what was kept; the defaults where it can't be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return State()


def save(path: Path, state: State) -> None:
    """Keep it, whole or not at all; two apps at once are fine, the later one wins."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_bytes(msgspec.json.encode(state))
        draft.replace(path)


def remember_filter(history: list[str], text: str) -> None:
    """Put a filter at the head of a history."""
    if text:
        history[:] = [text, *(old for old in history if old != text)][:FILTERS_KEPT]


def theme_of(state: State, setting: str) -> str:
    """Return the theme to begin with: the one chosen in the app, unless the setting was changed since."""
    if state.theme_over != setting:
        state.theme, state.theme_over = None, setting
    return state.theme or setting


def keep_theme(state: State, name: str) -> None:
    """Remember what was chosen in the app."""
    state.theme = name
