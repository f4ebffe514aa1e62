"""The field in which a request is changed before it is sent again."""

from __future__ import annotations

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import TextArea

from workbench.tui import format as fmt
from workbench.tui.messages import Trouble

EDIT_LIMIT = 60_000
"""Larger requests are edited in the editor only: a text field would be slow with them."""


class RequestEditor(Vertical):
    """Shows a request as indented JSON; `edited` is what was made of it, None while it is unchanged."""

    DEFAULT_CSS = """
    RequestEditor { display: none; height: 1fr; }
    RequestEditor TextArea {
        height: 1fr; border: none; border-left: thick $primary; background: $surface; padding: 0 1;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.edited: bytes | None = None
        self._shown = ""

    def compose(self) -> ComposeResult:
        yield TextArea(id="request", show_line_numbers=False, soft_wrap=True, tab_behavior="focus")

    @property
    def _area(self) -> TextArea:
        return self.query_one("#request", TextArea)

    def open(self, body: bytes) -> None:
        """Show the request as it was recorded, or as it was left."""
        from workbench.tui.conversation_view import pretty

        area, body = self._area, self.edited if self.edited is not None else body
        area.read_only = len(body) > EDIT_LIMIT or not _is_plain(body)
        if area.read_only:
            self._shown = f"{fmt.size(len(body))}: ^e opens it in your editor, ^s sends it."
        else:
            self._shown = pretty(body.decode())
        area.text = self._shown
        area.focus()

    def take(self) -> Trouble | None:
        """Keep what was typed; return what is wrong with it, and where."""
        area = self._area
        if area.read_only or area.text == self._shown:
            return None
        text = area.text.encode("utf-8", "surrogatepass")
        try:
            msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            return Trouble(f"not JSON: {error}", "mend it here, or ^e for your editor")
        self.edited = text
        return None


def _is_plain(data: bytes) -> bool:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return text.replace("\n", "").replace("\t", "").isprintable()
