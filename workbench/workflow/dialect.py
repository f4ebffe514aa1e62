"""What a model takes besides the messages, learned from what it refuses.

Endpoints differ in small ways: some know no JSON schemas, some call the output cap otherwise, some take no
temperature. They say so with 400 or 422 before any token is used; the question is then put in their way.
"""

from __future__ import annotations

from typing import Any

from workbench.domain.errors import UpstreamError

_REFUSED = frozenset({400, 422})
_MEMBERS = ("response_format", "temperature", "max_tokens")


class Dialect:
    """The members one run's model takes; starts with the usual ones."""

    def __init__(self) -> None:
        self._left_out: set[str] = set()
        self._cap = "max_tokens"

    def options(self, max_output: int, schema: dict[str, object] | None) -> dict[str, Any]:
        """Return the members of a request besides model, messages and stream."""
        options: dict[str, Any] = {self._cap: max_output, "temperature": 0}
        if schema is not None:
            form = {"name": "plan", "schema": schema}
            options["response_format"] = {"type": "json_schema", "json_schema": form}
        return {name: value for name, value in options.items() if name not in self._left_out}

    def learn(self, error: UpstreamError, options: dict[str, Any]) -> bool:
        """Take a refusal of `options` to heart; return whether asking again can help."""
        if error.status not in _REFUSED:
            return False
        said = f"{error.message} {error.body.decode('utf-8', 'replace')}".lower()
        if "max_completion_tokens" in said and self._cap == "max_tokens":
            self._cap = "max_completion_tokens"
            return True
        named = next((name for name in _MEMBERS if name in said and name in options), None)
        # A refusal that names nothing is most often about the schema, the rarest of the three.
        guess = "response_format" if "response_format" in options else None
        dropped = named or guess
        if dropped is None:
            return False
        self._left_out.add(dropped)
        return True
