"""A screen that is drawn once for what has changed; Textual would sometimes draw the same thing twice."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen


class FrugalScreen(Screen[Any]):
    """Draws nothing that is thrown away, and nothing again that is on the terminal already."""

    def _compositor_refresh(self) -> None:
        """Draw what has changed, once no batch of changes is under way: until then nothing is shown."""
        if self.app._batch_count:
            self._repaint_required = True
            self.check_idle()
            return
        if self is self.app.screen:
            self._draw_all_at_once()
        super()._compositor_refresh()

    def _draw_all_at_once(self) -> None:
        """Where all is drawn now, take back what was asked for until now: it would be drawn again for it."""
        everything = self._compositor.size.region
        if self._repaint_required:
            self._compositor._dirty_regions.add(everything)
            self._repaint_required = False
        if everything in self._compositor._dirty_regions:
            for widget in self._compositor.visible_widgets:
                widget._exchange_repaint_regions()
