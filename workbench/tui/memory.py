"""Giving memory back to the system after something large was shown."""

from __future__ import annotations

import contextlib


def give_back() -> None:
    """Return what was freed to the system. Blocks for some milliseconds: call it in a thread.

    The C library keeps freed memory for what comes next; after a body of many megabytes that is most of what
    the process holds. Only glibc can be asked; elsewhere nothing happens.
    """
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
