"""The terminal app: its places, keys and the two things it always watches, router and store.

The first frame waits for nothing: the home, the store and the router are looked at by threads that begin
after it, and what they find arrives as messages.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from workbench.settings.sections import TuiSettings
from workbench.tui import state as kept
from workbench.tui.link import RouterWatch, StoreWatch
from workbench.tui.messages import RouterChanged, RouterStatus, StoreChanged, StoreState, Trouble
from workbench.tui.screens.base import Place
from workbench.tui.source import Source
from workbench.tui.stylesheet import ThriftyStylesheet
from workbench.tui.themes import DARK, OWN

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.command import Provider
    from textual.driver import Driver
    from textual.theme import Theme

    from workbench.tui.changes import Change
    from workbench.tui.exchange_views import Opened
    from workbench.tui.screens.exchange import ExchangeScreen


def _place(module: str, name: str) -> Callable[[], Screen[Any]]:
    """Return a maker that imports the screen when it is first shown."""

    def make() -> Screen[Any]:
        from importlib import import_module

        screen: Screen[Any] = getattr(import_module(f"workbench.tui.screens.{module}"), name)()
        return screen

    return make


def _freeze_heap() -> None:
    """Take what the start made out of the collector's sight: going through it takes 30 ms each time.

    The collector may have been off until now (`workbench.cli.tui`).
    """
    gc.freeze()
    gc.enable()


def _commands() -> type[Provider]:
    from workbench.tui.commands import WorkbenchCommands

    return WorkbenchCommands


class WorkbenchApp(App[None]):
    """Watch, search, open, replay and compare exchanges; drive workflows."""

    TITLE = "workbench"
    CSS_PATH = "styles.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[Any]] = {_commands}
    MODES: ClassVar[dict[str, Any]] = {
        "exchanges": _place("exchanges", "ExchangesScreen"),
        "runs": _place("runs", "RunsScreen"),
        "new": _place("new_run", "NewRunScreen"),
        "router": _place("router", "RouterScreen"),
        "stats": _place("stats", "StatsScreen"),
        "retention": _place("retention", "RetentionScreen"),
        "settings": _place("settings", "SettingsScreen"),
    }
    DEFAULT_MODE = "exchanges"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "go('exchanges')", "Exchanges", show=False, id="go.exchanges"),
        Binding("2", "go('runs')", "Runs", show=False, id="go.runs"),
        Binding("3", "go('new')", "New run", show=False, id="go.new"),
        Binding("4", "go('router')", "Router", show=False, id="go.router"),
        Binding("5", "go('stats')", "Stats", show=False, id="go.stats"),
        Binding("6", "go('retention')", "Retention", show=False, id="go.retention"),
        Binding("7", "go('settings')", "Settings", show=False, id="go.settings"),
        Binding("question_mark", "help", "Help", show=False, id="help"),
        Binding("semicolon,ctrl+o", "jump", "Jump", show=False, id="jump", key_display=";"),
        Binding("ctrl+l", "redraw", "Draw again", show=False, id="redraw"),
        Binding("q", "quit", "Quit", show=False, id="quit"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="quit.now"),
    ]
    places: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("1", "exchanges", "Exchanges"),
        ("2", "runs", "Runs"),
        ("3", "new", "New run"),
        ("4", "router", "Router"),
        ("5", "stats", "Stats"),
        ("6", "retention", "Retention"),
        ("7", "settings", "Settings"),
    )

    def __init__(
        self,
        source: Source,
        *,
        theme: str | None = None,
        start_router: bool = True,
        settings: TuiSettings | None = None,
    ) -> None:
        """`theme` is asked for this time; without it the one chosen last in here, else the settings'."""
        self.state_file = source.home.root / ".tui" / "state.json"
        self.kept = kept.load(self.state_file)
        if self.kept.place in self.MODES:
            self.DEFAULT_MODE = self.kept.place  # type: ignore[misc]  # before Textual builds its stacks
        super().__init__()
        self.stylesheet = ThriftyStylesheet(variables=self.stylesheet._variables)
        settings = settings or TuiSettings()
        self.source = source
        self.status = RouterStatus()
        self.store_trouble: Trouble | None = None
        self.kept.tail = settings.tail
        for own in OWN:
            self.register_theme(own)
        wanted = theme or kept.theme_of(self.kept, settings.theme)
        if wanted == DARK and self.console.color_system == "standard":
            wanted = "ansi-dark"  # our tones would all be rounded to the same few of 16 colours
        self.theme = wanted if self.get_theme(wanted) is not None else DARK
        self.undo: list[Change] = []
        """What the last changes here need to be taken back, newest last."""
        self.mouse = settings.mouse
        self.painted = threading.Event()
        """Something is on the screen."""
        self._start_router = start_router
        self._exchange: ExchangeScreen | None = None
        self._store_watch: StoreWatch | None = None
        self._router_watch: RouterWatch | None = None

    def get_driver_class(self) -> type[Driver]:
        """Return what speaks to the terminal: our own where Textual would take the one it is made from."""
        found = super().get_driver_class()
        if found.__module__ != "textual.drivers.linux_driver":
            return found
        from workbench.tui.terminal_driver import TerminalDriver

        return TerminalDriver

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        """What is seen below the screen on top: nothing, unless that one lets something through.

        Textual always counts the next screen, and draws the one on top again for whatever changes down there.
        """
        opaque = self._screen_stack and self._screen_stack[-1].styles.background.a == 1
        return [] if opaque else super()._background_screens

    def get_theme(self, theme_name: str) -> Theme | None:
        """Return a theme by name. Textual asks for every line it draws, and copies all themes each time."""
        found = self._registered_themes.get(theme_name)
        return found if found is not None else super().get_theme(theme_name)

    # -- the watches

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Draw. What threads import meanwhile would hold the first frame up, so they wait for it."""
        super()._display(screen, renderable)
        if renderable is not None and not self._batch_count and not self.painted.is_set():
            self.painted.set()
            self.set_timer(0.02, self._look_around)

    def _look_around(self) -> None:
        self._store_watch = StoreWatch(self.source, self._post)
        self._store_watch.start()
        self._router_watch = RouterWatch(self.source, self._post, start=self._start_router)
        self._router_watch.start()
        self.theme_changed_signal.subscribe(self, lambda theme: kept.keep_theme(self.kept, theme.name))
        if not self.is_headless:
            self.set_timer(1.5, _freeze_heap)
        self.load_keymap()
        if not self.kept.welcomed and self._start_router:
            self.kept.welcomed = True
            self.action_welcome()

    def _post(self, message: Message) -> bool:
        return self.post_message(message)

    def on_unmount(self) -> None:
        """Keep what is kept and let the threads end."""
        self.painted.set()
        for watch in (self._store_watch, self._router_watch):
            if watch is not None:
                watch.stop()
        self.source.close()
        kept.save(self.state_file, self.kept)

    def on_store_changed(self, _: StoreChanged) -> None:
        """Tell the screen that is shown."""
        if isinstance(self.screen, Place):
            self.screen.store_changed()

    def on_store_state(self, message: StoreState) -> None:
        """Show that the store can't be read, or that it can be again."""
        self.store_trouble = message.trouble
        if isinstance(self.screen, Place):
            self.screen.store_trouble(message.trouble)

    def on_router_changed(self, message: RouterChanged) -> None:
        """Take the router's state and tell the screen that is shown."""
        self.status = message.status
        if isinstance(self.screen, Place):
            self.screen.query("StatusLine").refresh()
            self.screen.router_changed(message.status)

    def start_router(self) -> None:
        """Start the router in the watch's thread."""
        if self._router_watch is not None:
            self._router_watch.start_router()

    def look_at_router(self) -> None:
        """Read the router's status now."""
        if self._router_watch is not None:
            self._router_watch.hurry()

    # -- the user's own

    def load_keymap(self) -> None:
        """Take the user's keys, or say what is wrong with them."""
        path = self.source.home.root / "keys.yaml"

        def read() -> None:
            from workbench.domain.errors import ConfigError
            from workbench.tui.binding_ids import all_keys
            from workbench.tui.keymap import read_keymap

            if not path.exists():
                return
            try:
                keymap = read_keymap(path, frozenset(key.id for key in all_keys()))
            except ConfigError as error:
                hint = f"\n{error.hint}" if error.hint else ""
                self.call_from_thread(
                    self.notify, f"{error.message}{hint}", title="keys.yaml", severity="error", markup=False
                )
            else:
                self.call_from_thread(self.set_keymap, keymap)

        self.run_worker(read, thread=True, group="keymap", exit_on_error=False)

    def take_settings(self, found: TuiSettings) -> None:
        """Use the settings of the terminal app that were just written."""
        if self.get_theme(found.theme) is not None:
            self.theme = found.theme
            self.kept.theme, self.kept.theme_over = None, found.theme
        self.kept.tail = found.tail
        if found.mouse != self.mouse:
            self.toggle_mouse()

    def toggle_mouse(self) -> None:
        """Take the mouse, or leave it to the terminal so that it can select text."""
        driver: Any = self._driver
        self.mouse = not self.mouse
        if self.mouse:
            driver._mouse = True  # it does nothing about a mouse that it believes to be off
            getattr(driver, "_enable_mouse_support", lambda: None)()
        else:
            getattr(driver, "_disable_mouse_support", lambda: None)()
            driver._mouse = False  # or it would take the mouse again when the editor closes
        self.notify(
            "The mouse works in here." if self.mouse else "The terminal has the mouse: it selects text."
        )

    def action_welcome(self) -> None:
        """Show what a new user needs."""
        from workbench.tui.screens.welcome import WelcomeScreen

        self.push_screen(WelcomeScreen())

    def try_demo(self) -> None:
        """Send a first request to the demo model."""
        from workbench.tui.calls import ask_demo

        status = self.status
        if not status.up:
            self.notify("The router is not ready yet.", severity="warning")
            return
        self.run_worker(lambda: ask_demo(status), thread=True, group="demo", exit_on_error=False)

    # -- copying

    def copy(self, data: bytes, what: str) -> None:
        """Copy exact bytes to the user's clipboard and say how it went."""
        from workbench.tui.clipboard import copy

        folder = self.source.home.root / ".tui"
        self.run_worker(
            lambda: self.call_from_thread(self._copied, copy(data, self._write_raw, folder), len(data), what),
            thread=True,
            group="copy",
            exit_on_error=False,
        )

    def _write_raw(self, sequence: str) -> None:
        if self._driver is not None:
            self.call_from_thread(self._driver.write, sequence)

    def _copied(self, how: str, size: int, what: str) -> None:
        where = {"clipboard": "to the clipboard", "terminal": "to the terminal's clipboard"}
        self.notify(
            f"Copied {what}, {size:,} bytes, {where.get(how, 'into ' + how)}.", markup=False, timeout=3
        )

    # -- going places

    def action_go(self, place: str) -> None:
        """Switch to a place; pressed again there, come back to its first screen."""
        if place == self.current_mode:
            while len(self.screen_stack) > 1:
                self.pop_screen()
            return
        self.kept.place = place
        self.switch_mode(place)
        self.call_after_refresh(self._arrived)

    def _arrived(self) -> None:
        """What happened while another screen was shown."""
        if isinstance(self.screen, Place):
            self.screen.store_changed()
            self.screen.router_changed(self.status)
            self.screen.store_trouble(self.store_trouble)

    def open_exchange(self, exchange_id: str, opened: Opened | None = None) -> None:
        """Open an exchange on top; `opened` is what was read of it already.

        The first screen made for that is kept: showing it again costs a fraction of making another one.
        """
        from workbench.tui.screens.exchange import ExchangeScreen

        screen = self._exchange
        if screen is not None and screen.free:
            screen.open_again(exchange_id, opened)
        else:
            screen = ExchangeScreen(exchange_id, opened)
            if self._exchange is None:
                self._exchange = screen
                self.install_screen(screen, "exchange")
        self.push_screen(screen)

    def pop_screen(self) -> AwaitComplete:
        """Leave the screen on top."""
        screen = self.screen
        done = super().pop_screen()
        if isinstance(screen, Place):
            screen.left()
        return done

    def give_memory_back(self) -> None:
        """Return the memory of what is no longer shown to the system."""
        from workbench.tui.memory import give_back

        self.run_worker(give_back, thread=True, group="memory", exclusive=True, exit_on_error=False)

    def action_help(self) -> None:
        """Show every key of this place."""
        from workbench.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_jump(self) -> None:
        """Put letters on everything that can be gone to."""
        from workbench.tui.screens.jump import JumpScreen

        if not isinstance(self.screen, JumpScreen):
            self.push_screen(JumpScreen(self.screen), lambda chosen: chosen and chosen[0].go(chosen[1]))

    def action_redraw(self) -> None:
        """Draw everything again, for a terminal that something else has written to."""
        self.refresh(layout=True)
