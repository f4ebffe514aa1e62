"""What storing a group sets in its operations, put back when the group was rolled back.

Only then can the operations be applied again: a session's name, say, was replaced by the id of a run that is
not there any more.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.store.operations import Operation

_SET = ("run", "session", "redactions", "redacted", "request_bytes", "response_bytes")
_VALUES = attrgetter(*_SET)


class Undo:
    """The exchanges of some operations as they are now."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        exchanges = [operation.exchange for operation in operations]
        self._before = [(exchange, _VALUES(exchange)) for exchange in exchanges if exchange is not None]

    def restore(self) -> None:
        """Make them as they were."""
        for exchange, values in self._before:
            for name, value in zip(_SET, values, strict=True):
                setattr(exchange, name, value)
