"""Giving memory back to the system after something large was shown. Only glibc can be asked; elsewhere
nothing happens.
"""

from __future__ import annotations

import contextlib
import functools
from typing import Any

LARGE = 1_000_000
"""Bytes of an exchange from which on its memory is worth the trouble."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_APART = 256 * 1024


@functools.cache
def _libc() -> Any:
    import ctypes

    return ctypes.CDLL(None)


@functools.cache
def expect_large() -> None:
    """Have large pieces of memory mapped, each on its own, so that freeing one gives it back.

    Left alone, glibc takes the size of the first large piece that is freed for a usual one, and from then on
    keeps as much at hand for each thread.
    """
    with contextlib.suppress(OSError, AttributeError):
        for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            _libc().mallopt(option, _APART)


def give_back() -> None:
    """Return what was freed to the system. Blocks for some milliseconds: call it in a thread."""
    import gc

    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        _libc().malloc_trim(0)
