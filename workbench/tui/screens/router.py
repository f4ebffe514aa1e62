"""Router: how it stands, every deployment with its breaker and figures, and the end of its log."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.events import Resize
from textual.widgets import Static

from workbench.tui import format as fmt
from workbench.tui.document import Lines
from workbench.tui.follow import FileFollower, Grown
from workbench.tui.messages import RouterStatus
from workbench.tui.router_view import router_lines
from workbench.tui.screens.base import Place
from workbench.tui.services import services_of
from workbench.tui.widgets.findline import FindLine
from workbench.tui.widgets.textview import TextView

_HISTORY = 120
_LOG_BYTES = 200_000
_LOG_LINES = 5_000


class RouterScreen(Place):
    """Start, stop, reload; the log follows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start", id="router.start"),
        Binding("S", "stop", "Stop", id="router.stop"),
        Binding("R", "reload", "Reload config", id="router.reload"),
        Binding("P", "profile", "Profile", id="router.profile"),
        Binding("y", "copy_base", "Copy address", id="router.copy"),
        Binding("slash", "find", "Find in log", show=False, id="router.find"),
        Binding("tab", "side", "Other part", show=False, id="router.side"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, deque[float]] = {}
        self._seen: dict[str, int] = {}
        self._follower: FileFollower | None = None
        self._log = Lines()
        self._services: list[tuple[str, str]] = []

    def body(self) -> ComposeResult:
        with Container(classes="split", id="split"):
            yield TextView(Lines(), id="facts")
            with Vertical(id="log-side"):
                yield Static("log", classes="title", markup=False)
                yield FindLine()
                yield TextView(self._log, id="log")

    def on_mount(self) -> None:
        """Show what is known and follow the log."""
        self.query_one("#facts").focus()
        self.router_changed(self.work.status)
        self.ask(partial(services_of, self.source.home), self._take_services, group="services")
        self._follower = FileFollower(
            self.source.home.logs / "router.log", self.post_message, from_end=_LOG_BYTES
        )
        self._follower.start()

    def on_unmount(self) -> None:
        """Let the follower end."""
        if self._follower is not None:
            self._follower.stop()

    def on_resize(self, event: Resize) -> None:
        """The log is at the right where there is room for both, else below."""
        wide = event.size.width >= 160
        side = self.query_one("#log-side")
        side.set_class(wide, "side")
        side.set_class(not wide, "below")
        self.query_one("#split").set_class(wide, "-wide")
        self.call_after_refresh(self._draw)

    def router_changed(self, status: RouterStatus) -> None:
        """Draw the new state."""
        self._remember(status)
        self._draw()
        self.refresh_bindings()

    def _draw(self) -> None:
        view, home = self.query_one("#facts", TextView), str(self.source.home.root)
        width = view.size.width or self.size.width
        lines = router_lines(self.work.status, self.history, home, width, self._services)
        view.show(lines, top=False)

    def _take_services(self, found: list[tuple[str, str]]) -> None:
        self._services = found
        self._draw()

    def _remember(self, status: RouterStatus) -> None:
        """Keep requests for each interval, for the sparklines."""
        for group in status.groups:
            for deployment in group.get("deployments") or ():
                name, total = str(deployment.get("id")), int(deployment.get("requests") or 0)
                new = max(0, total - self._seen.get(name, total))
                self._seen[name] = total
                self.history.setdefault(name, deque(maxlen=_HISTORY)).append(new)

    def on_grown(self, message: Grown) -> None:
        """New lines of the log."""
        from workbench.control.logtail import readable

        if message.first:
            self._log = Lines()
        for line in message.lines:
            self._log.add(readable(line.decode("utf-8", "replace")), "log")
        view = self.query_one("#log", TextView)
        if message.first or len(self._log) > _LOG_LINES:
            self._log = Lines(self._log.lines[-_LOG_LINES:])
            view.show(self._log, follow=view.follow or message.first)
        else:
            view.grown()

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Start when it is down, the rest when it is up; what can't be done stays visible."""
        up = self.work.status.up
        if action == "start":
            return None if up else True
        if action in {"stop", "reload", "profile", "copy_base"}:
            return True if up else None
        return True

    def action_start(self) -> None:
        self.work.start_router()

    def action_stop(self) -> None:
        """Ask, then stop it: clients depend on it."""
        from workbench.tui.screens.dialogs import Confirm

        about = "Clients of this router get no answer until it runs again. Streams may finish first."
        self.app.push_screen(Confirm("Stop the router?", about), self._stop)

    def _stop(self, sure: bool | None) -> None:
        if sure:
            from workbench.control.process import stop_router

            self.ask(
                partial(stop_router, self.source.home), lambda _ran: self.work.look_at_router(), group="stop"
            )

    def action_reload(self) -> None:
        """Read the configuration again."""
        from workbench.tui.calls import reload_router

        self.ask(partial(reload_router, self.work.status), self._reloaded, group="reload")

    def _reloaded(self, _: object) -> None:
        self.trouble(None)
        self.app.notify("The router reads its configuration again.")
        self.work.look_at_router()

    def action_profile(self) -> None:
        """Go to the next routing profile."""
        from workbench.tui.calls import next_profile

        self.ask(partial(next_profile, self.work.status), self._profiled, group="profile")

    def _profiled(self, name: str) -> None:
        self.app.notify(f"Profile {name}.", markup=False)
        self.work.look_at_router()

    def action_copy_base(self) -> None:
        """Copy the base URL for clients."""
        self.work.copy(f"{self.work.status.base_url}/v1".encode(), "the base URL")

    def action_find(self) -> None:
        self.query_one(FindLine).edit(self.query_one("#log", TextView))

    def action_side(self) -> None:
        facts, log = self.query_one("#facts"), self.query_one("#log")
        (log if facts.has_focus else facts).focus()


def uptime(status: RouterStatus) -> str:
    """Return how long it runs."""
    return fmt.duration(status.uptime_s * 1000)
