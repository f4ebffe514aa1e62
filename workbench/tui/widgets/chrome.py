"""The frame around every screen: where you are (top), how things are (status), what you can press (keys)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.strip import Strip

from workbench.tui import format as fmt
from workbench.tui.messages import RouterStatus
from workbench.tui.paint import Piece
from workbench.tui.widgets.drawn import Drawn

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

Part = tuple[str, str, str | None]
"""(text, style, action run by a click)"""


class Line(Drawn):
    """One line of parts, cut at the edge; parts with an action can be clicked."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._places: list[tuple[int, int, str]] = []

    @property
    def work(self) -> WorkbenchApp:
        """The app, with its type."""
        app: Any = self.app
        return app  # type: ignore[no-any-return]

    def left(self, width: int) -> list[Part]:
        """Return the parts from the left."""
        return []

    def right(self, width: int) -> list[Part]:
        """Return the parts at the right edge; they give way first."""
        return []

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        left, right = self.left(width), self.right(width)
        free = width - _length(left) - _length(right)
        while right and free < 1:
            free += cell_len(right.pop(0)[0])
        parts = [*left, (" " * max(0, free), "", None), *right]
        self._places = list(_places(parts))
        pieces: list[Piece] = [(text, style) for text, style, _ in parts]
        return self.paint.strip(pieces, width, self.base)

    async def on_click(self, event: events.Click) -> None:
        """Run the action of the part that was clicked."""
        for start, end, action in self._places:
            if start <= event.x < end:
                await self.run_action(action)


def _length(parts: Iterable[Part]) -> int:
    return sum(cell_len(text) for text, _, _ in parts)


def _places(parts: Iterable[Part]) -> Iterable[tuple[int, int, str]]:
    at = 0
    for text, _, action in parts:
        end = at + cell_len(text)
        if action:
            yield at, end, action
        at = end


class Title(Drawn):
    """One line of text above what it is about; longer text is cut at the edge."""

    DEFAULT_CSS = "Title { height: 1; padding: 0 1; color: $foreground; background: $surface; }"
    text = ""

    def show(self, text: str) -> None:
        """Show a text, printable already."""
        if text != self.text:
            self.text = text
            self.refresh()

    def render_line(self, y: int) -> Strip:
        return Strip(self.paint.over([(self.text, "bold")], self.base)).crop(0, self.size.width)


class TopLine(Line):
    """The places of the app, with their number keys; the one you are in stands out."""

    def left(self, width: int) -> list[Part]:
        parts: list[Part] = [(" workbench ", "bold accent", "app.go('exchanges')")] if width >= 108 else []
        current = self.work.current_mode
        for key, name, title in self.work.places:
            here = name == current
            shown = title if width >= 92 or here else title[:4].rstrip()
            parts += [
                (f" {key} ", "accent" if here else "faint", f"app.go('{name}')"),
                (f"{shown} ", "bold" if here else "dim", f"app.go('{name}')"),
            ]
        return parts

    def right(self, width: int) -> list[Part]:
        trail = getattr(self.screen, "trail", "")
        return [(f"{trail} ", "dim", None)] if trail else []


_RECORDING = {
    "ok": ("● recording", "ok"),
    "degraded": ("▲ not recording", "bad"),
    "off": ("○ recording off", "warn"),
}


class StatusLine(Line):
    """Always there: router, recording, in flight, cost today, profile, tenant, and how this screen stands."""

    def left(self, width: int) -> list[Part]:
        status = self.work.status
        parts: list[Part] = [(" ", "", None), *_router(status)]
        if status.up:
            text, style = _RECORDING.get(status.recording, ("○ recording ?", "faint"))
            parts += [("   ", "", None), (text, style, None)]
            if status.unrecorded:
                parts.append((f" {status.unrecorded} lost", "bad", None))
            parts.append((f"   {status.in_flight} in flight", "second" if status.in_flight else "dim", None))
            if status.cost_today_usd is not None:
                parts.append((f"   {fmt.money(status.cost_today_usd)} today", "dim", None))
            if status.profile and width >= 100:
                parts.append((f"   {status.profile}", "faint", None))
            if width >= 116:
                parts.append((f"   tenant {_tenant(status)}", "faint", None))
        elif status.trouble is not None and status.trouble.hint:
            parts.append((f"   {status.trouble.hint}", "dim", None))
        return parts

    def right(self, width: int) -> list[Part]:
        standing = getattr(self.screen, "standing", "")
        return [(f" {standing} ", "dim", None)] if standing else []


def _tenant(status: RouterStatus) -> str:
    """Return who pays here, and how many others there are."""
    others = max(0, status.tenants - 1)
    return f"{status.tenant} and {others} more" if others else status.tenant


def _router(status: RouterStatus) -> list[Part]:
    address = status.base_url.removeprefix("http://")
    match status.state:
        case "ok":
            return [("● ", "ok", None), (f"router {address}", "dim", None)]
        case "degraded":
            return [("▲ ", "warn", None), (f"router degraded {address}", "warn", None)]
        case "starting":
            return [("◌ ", "second", None), ("router starting…", "second", None)]
        case "down":
            why = status.trouble.text if status.trouble is not None else "router not running"
            return [("✗ ", "bad", None), (why, "bad", None)]
        case _:
            return [("◌ ", "faint", None), ("looking for the router…", "dim", None)]


class KeyLine(Line):
    """What can be pressed here: as many keys as fit, `?` and the palette always."""

    _drawn: tuple[Part, ...] = ()

    def on_mount(self) -> None:
        """Follow the focus: other widgets bring other keys."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self._look_again())

    def _look_again(self) -> None:
        if self._drawn != tuple(self._fitting(self.size.width)):
            self.refresh()

    def left(self, width: int) -> list[Part]:
        parts = self._fitting(width)
        self._drawn = tuple(parts)
        return parts

    def _fitting(self, width: int) -> list[Part]:
        room = width - _length(self.right(width)) - 1
        parts: list[Part] = [(" ", "", None)]
        for binding, enabled in self._shown():
            key = self.app.get_key_display(binding)
            texts: list[Part] = [
                (key, "bold accent" if enabled else "faint", f"app.simulate_key('{binding.key}')"),
                (" ", "", None),
                (binding.description, "dim" if enabled else "faint strike", None),
                ("  ", "", None),
            ]
            if _length(parts) + _length(texts) > room:
                break
            parts += texts
        return parts

    def right(self, width: int) -> list[Part]:
        return [
            ("? ", "bold accent", "app.help"),
            ("help  ", "dim", "app.help"),
            ("^p ", "bold accent", "app.command_palette"),
            ("all ", "dim", "app.command_palette"),
        ]

    def _shown(self) -> Iterable[tuple[Binding, bool]]:
        seen: set[str] = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.action not in seen:
                seen.add(binding.action)
                yield binding, active.enabled
