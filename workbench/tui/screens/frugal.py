"""A screen that is drawn once for what has changed; Textual would sometimes draw the same thing twice."""

from __future__ import annotations

from typing import Any

from textual._time import get_time
from textual.messages import Update
from textual.screen import Screen


class FrugalScreen(Screen[Any]):
    """Draws nothing that is thrown away, and nothing again that is on the terminal already."""

    _all_drawn_at = 0.0
    """When all of it was drawn last, on the clock of messages."""

    def _compositor_refresh(self) -> None:
        """Draw what has changed, once no batch of changes is under way: until then nothing is shown."""
        if self.app._batch_count:
            self._repaint_required = True
            self.check_idle()
            return
        if self._compositor.size.region in self._compositor._dirty_regions and self is self.app.screen:
            self._all_drawn_at = get_time()
        super()._compositor_refresh()

    async def _on_update(self, message: Update) -> None:
        """Leave out what a widget has asked for before all was drawn: that shows it."""
        if message.time < self._all_drawn_at:
            message.stop()
            message.prevent_default()
