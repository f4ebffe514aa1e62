"""An unexpected exception in a line: its kind and where it came from.

Its text stays out: it may hold a piece of what was being recorded, and `/health` shows the line to anybody.
"""

from __future__ import annotations

import traceback
from pathlib import Path

import workbench

_ROOT = Path(workbench.__file__).parent
_PLACES = 3


def described(error: BaseException) -> str:
    """Return such as ``KeyError at store/answers.py:88, from store/ingest.py:216``, innermost place first."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [
        f"{Path(frame.filename).relative_to(_ROOT)}:{frame.lineno}"
        for frame in reversed(frames)
        if Path(frame.filename).is_relative_to(_ROOT)
    ]
    where = f" at {', from '.join(places[:_PLACES])}" if places else ""
    return type(error).__name__ + where
