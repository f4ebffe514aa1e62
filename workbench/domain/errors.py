"""Every error the workbench raises on purpose.

::

    WorkbenchError                  exit 70; `hint` is a line that can be pasted or acted on
    +-- UsageError                  2   wrong arguments or an impossible combination
    |   +-- UnknownId               2   no exchange or run by that id or prefix
    |   +-- AmbiguousId             2   several match the prefix
    |   +-- FilterError             2   a filter that does not parse; carries the position
    +-- ConfigError                 2   a settings or router file; carries file, line and path
    +-- CheckFailed                 1   a gate, an expectation or a check failed
    +-- LimitReached                3   a budget or a limit
    +-- UnusableAnswer              4   the model's answer could not be used
    +-- ToolUnavailable             5   a needed tool or sandbox is missing
    |   +-- StoreUnavailable        5   the store can't be opened, is corrupt, full or read-only
    |       +-- BodyDamaged         5   stored bytes of one exchange fail their checksum or are gone
    |       +-- QueryTimeout        5   a query ran into its deadline
    |       +-- StatementFailed     5   SQLite refuses one statement; the store itself may be well
    +-- RouterUnreachable           6   no router answers, or it is not ours
    +-- UpstreamError               1   a model endpoint answered with an error; carries status and body
    +-- Cancelled                 130   the user ended it

Programming errors are builtins (`ValueError`, `TypeError`) and end as exit 70 with a report file.
"""

from __future__ import annotations


class WorkbenchError(Exception):
    """Base of all our errors.

    `hint` is shown after ``hint:`` and is best a command; `exit_code` is design section 8.
    """

    exit_code: int = 70

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(WorkbenchError):
    """The command line or a call can't mean anything."""

    exit_code = 2


class UnknownId(UsageError):
    """No such exchange or run."""

    def __init__(self, kind: str, given: str, *, hint: str | None = None) -> None:
        super().__init__(f"no {kind} with the id {given!r}", hint=hint)
        self.kind = kind
        self.given = given


class AmbiguousId(UsageError):
    """Several ids start with the given prefix; `matches` holds some of them."""

    def __init__(self, given: str, matches: tuple[str, ...]) -> None:
        super().__init__(f"{given!r} matches several ids: {', '.join(matches)}", hint="give more characters")
        self.given = given
        self.matches = matches


class FilterError(UsageError):
    """A filter that does not parse; `position` is the offset in characters into `text`."""

    def __init__(self, message: str, *, text: str, position: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.text = text
        self.position = position

    def pointer(self) -> str:
        """Return two lines: the filter, and a caret below the fault."""
        return f"{self.text}\n{' ' * self.position}^"


class ConfigError(WorkbenchError):
    """A file that can't be used; says where as exactly as is known."""

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        path: str | None = None,
        hint: str | None = None,
    ) -> None:
        where = ":".join(str(part) for part in (file, line) if part is not None)
        text = " ".join(
            part for part in (f"{where}:" if where else "", f"{path}:" if path else "", message) if part
        )
        super().__init__(text, hint=hint)
        self.problem = message
        """What is wrong, without the place."""
        self.file = file
        self.line = line
        self.path = path


class CheckFailed(WorkbenchError):
    """A gate, an expectation or a check did not hold."""

    exit_code = 1


class LimitReached(WorkbenchError):
    """A budget or a limit stopped the work."""

    exit_code = 3


class UnusableAnswer(WorkbenchError):
    """The model answered, and the answer can't be used."""

    exit_code = 4


class ToolUnavailable(WorkbenchError):
    """A program, a sandbox or a file system that the work needs is not there."""

    exit_code = 5


class StoreUnavailable(ToolUnavailable):
    """The store can't be opened, read or written."""


class BodyDamaged(StoreUnavailable):
    """Stored bytes of one exchange fail their checksum or are gone; `exchange` is its id."""

    def __init__(self, message: str, *, exchange: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exchange = exchange


class QueryTimeout(StoreUnavailable):
    """A query was stopped at its deadline."""


class StatementFailed(StoreUnavailable):
    """SQLite refuses a statement, not for the file, the disk or another process: a bug, or odd data."""


class RouterUnreachable(WorkbenchError):
    """No router of this home answers."""

    exit_code = 6


class UpstreamError(WorkbenchError):
    """The router or a provider answered with an error.

    `status` is the HTTP status, `body` the exact bytes, `exchange` the recorded exchange's id if the
    router named one, `retry_after` seconds.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        status: int,
        body: bytes = b"",
        exchange: str | None = None,
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.body = body
        self.exchange = exchange
        self.retry_after = retry_after


class Cancelled(WorkbenchError):
    """The user ended it."""

    exit_code = 130
