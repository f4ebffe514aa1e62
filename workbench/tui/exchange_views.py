"""What the views of one exchange show, made off the event loop."""

from __future__ import annotations

from typing import NamedTuple

from workbench.domain.exchange import Exchange
from workbench.tui.document import Document
from workbench.tui.source import Source, Whole

TABS = ("Chat", "Request", "Response", "Headers", "Timing", "Cost", "Replays")
View = tuple[Document, str]
"""(document, what the line of tabs says about it)"""


class Opened(NamedTuple):
    """An exchange that was read, with the view it is opened on."""

    whole: Whole
    tab: str
    view: View | None
    """None for the view that is a list."""


def read(source: Source, exchange_id: str, tab: str = "Chat", *, raw: bool = False) -> Opened:
    """Read an exchange and make one view of it. Blocks. Raises UnknownId."""
    whole = source.whole(exchange_id)
    return Opened(whole, tab, None if tab == "Replays" else view(tab, whole, raw=raw))


def view(tab: str, whole: Whole, *, raw: bool = False) -> View:
    """Make what a tab shows. Blocks for as long as the body is large."""
    from workbench.tui import body_view, conversation_view, facts_view, timing_view
    from workbench.tui.format import size

    exchange = whole.exchange
    match tab:
        case "Chat":
            return conversation_view.chat(exchange, whole.request, whole.response), ""
        case "Request" | "Response":
            data = whole.request if tab == "Request" else whole.response
            document, how = body_view.body(data, raw=raw, whole=False)
            return document, f"{size(len(data))}, {how}   x raw"
        case "Headers":
            return body_view.headers(whole.request_headers, whole.response_headers), ""
        case "Timing":
            return timing_view.timing(exchange, whole.attempts, whole.writes), ""
        case _:
            return facts_view.cost(exchange), ""


def replays(source: Source, exchange_id: str) -> list[Exchange]:
    """Return the replays of an exchange, newest first. Blocks."""
    found = source.reader().replays(exchange_id)
    return sorted(found, key=lambda item: (item.started_at, item.id), reverse=True)
