"""What every screen has: the frame, a way to ask, and a place for troubles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from workbench.domain.text import printable
from workbench.tui.asking import Asking
from workbench.tui.messages import RouterStatus, Trouble
from workbench.tui.screens.frugal import FrugalScreen
from workbench.tui.widgets.chrome import KeyLine, StatusLine, TopLine

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.source import Source
    from workbench.tui.widgets.itemlist import ItemList
    from workbench.tui.widgets.textview import TextView


class Notice(Static):
    """A trouble in its place: what is wrong, and the command that mends it. Hidden while all is well."""

    DEFAULT_CSS = """
    Notice {
        display: none; height: auto; max-height: 8; padding: 0 2;
        background: $panel; border-left: thick $error;
    }
    Notice.-shown { display: block; }
    """

    def say(self, trouble: Trouble | None) -> None:
        """Show a trouble, or nothing."""
        self.set_class(trouble is not None, "-shown")
        if trouble is None:
            return
        text = Text(printable(trouble.text), style="bold")
        if trouble.hint:
            text.append("\nto mend it: ", style="dim")
            text.append(printable(trouble.hint), style="not bold")
        self.update(text)


class Place(Asking, FrugalScreen):
    """A screen with the frame around it. Subclasses yield their body in `body`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, id="back"),
    ]

    trail = ""
    """Where inside the place you are, at the right of the top line."""
    standing = ""
    """How things stand here, at the right of the status line."""

    def compose(self) -> ComposeResult:
        yield TopLine(classes="frame")
        yield from self.body()
        yield Notice()
        yield StatusLine(classes="frame")
        yield KeyLine(classes="frame")

    def body(self) -> ComposeResult:
        """Yield what is between the lines of the frame."""
        yield Widget()

    @property
    def work(self) -> WorkbenchApp:
        """The app, with its type."""
        app: Any = self.app
        return app  # type: ignore[no-any-return]

    @property
    def source(self) -> Source:
        """Where data comes from; its methods block."""
        return self.work.source

    @property
    def typing(self) -> bool:
        """Whether a field has the focus, so that letters are text."""
        return self.focused is not None and self.focused.check_consume_key("a", "a")

    def say(self, *, trail: str | None = None, standing: str | None = None) -> None:
        """Change what the frame says about this screen."""
        if trail is not None and trail != self.trail:
            self.trail = trail
            self.query_one(TopLine).refresh()
        if standing is not None and standing != self.standing:
            self.standing = standing
            self.query_one(StatusLine).refresh()

    _own_trouble: Trouble | None = None
    _store_trouble: Trouble | None = None

    def trouble(self, trouble: Trouble | None) -> None:
        """Show a failure of this screen in its place, or take it away."""
        self._own_trouble = trouble
        if self.is_mounted:
            self.query_one(Notice).say(trouble or self._store_trouble)

    def store_trouble(self, trouble: Trouble | None) -> None:
        """Show that the store can't be read; once it can be again, what failed because of it is over too."""
        over = trouble is None and self._store_trouble is not None
        self._store_trouble = trouble
        self.trouble(None if over else self._own_trouble)

    def on_text_view_moved(self, message: TextView.Moved) -> None:
        """Show which hit of a search is on the screen."""
        self._show_hit(message.at, message.total)

    def on_item_list_moved(self, message: ItemList.Moved) -> None:
        """Show which hit of a search the cursor is on."""
        self._show_hit(message.at, message.total)

    def _show_hit(self, at: int, total: int) -> None:
        for line in self.query("FindLine"):
            found: Any = line
            found.found(at, total)

    # -- what the app tells the screen

    def left(self) -> None:
        """It was taken off the screen: forget what is large."""

    def store_changed(self) -> None:
        """Something was committed to the store."""

    def router_changed(self, status: RouterStatus) -> None:
        """The router's state was read."""

    def action_back(self) -> None:
        """Leave a screen that lies on top of another."""
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()
