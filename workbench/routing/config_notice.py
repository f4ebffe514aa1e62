"""What a configuration file says that is not acted on."""

from __future__ import annotations

import msgspec


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a file that is ignored or doubtful; never a reason not to start."""

    message: str
    file: str
    path: str = ""
    line: int | None = None
    hint: str | None = None

    def text(self) -> str:
        """Return one line for a log or a terminal."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        hint = f" ({self.hint})" if self.hint else ""
        path = f"{self.path}: " if self.path else ""
        return f"{where}: {path}{self.message}{hint}"
