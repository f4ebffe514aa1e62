"""The palette: every key's action of the place you are in, every place, and what has no key."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

Command = tuple[str, str, Any]
"""(name, what it does, callback)"""


class WorkbenchCommands(Provider):
    """What can be done here and everywhere."""

    @property
    def work(self) -> WorkbenchApp:
        """The app, with its type."""
        app: Any = self.app
        return app  # type: ignore[no-any-return]

    def _commands(self) -> Iterator[Command]:
        seen: set[str] = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not binding.id or binding.action in seen or not active.enabled:
                continue
            seen.add(binding.action)
            key = self.app.get_key_display(binding)
            yield binding.description, f"key {key}", partial(self.app.simulate_key, binding.key)
        for key, name, title in self.work.places:
            yield f"Go to {title}", f"key {key}", partial(self.work.action_go, name)
        yield "Theme", "choose the colours; kept for the next start", self.app.search_themes
        yield "Mouse on or off", "off lets the terminal select text", self.work.toggle_mouse
        yield "Welcome", "base URL, key, a ready curl, a demo run", self.work.action_welcome
        yield "Quit", "the router goes on", self.app.exit

    async def discover(self) -> Hits:
        """Yield everything."""
        for name, text, run in self._commands():
            yield DiscoveryHit(name, run, help=text)

    async def search(self, query: str) -> Hits:
        """Yield what matches."""
        matcher = self.matcher(query)
        for name, text, run in self._commands():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, help=text)
