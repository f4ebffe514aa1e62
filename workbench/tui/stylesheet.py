"""Textual's stylesheet, which parses a source once for the variables of a theme.

Textual's own begins anew each time a screen or a theme comes: before the first frame it would parse the
styles of the app, the screen and every widget four times.
"""

from __future__ import annotations

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

_SOURCES = 512
"""More than there are widgets with styles of their own; one too few, and none would be found again."""


class ThriftyStylesheet(Stylesheet):
    """Keeps what it has parsed until the variables change."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(_SOURCES)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take a theme's variables; the same ones again change nothing."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Take in what is new. Raises StylesheetParseError, and then leaves the rules as they were."""
        self.parse()
