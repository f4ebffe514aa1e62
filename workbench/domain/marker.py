"""The prompt marker: one machine-readable line by which the demo provider knows a workflow prompt.

It stands alone on a line of the last user message::

    [workbench kind=file recipe=python-lib path="src/slug.py" nonce=4f2a…]

A model that is not ours reads it as a harmless label.
"""

from __future__ import annotations

import json
import re
from typing import Literal, cast

import msgspec

Kind = Literal["plan", "file", "repair"]
_LINE = re.compile(
    r"^\[workbench kind=(plan|file|repair) recipe=([\w.-]+)"
    r" path=(\"(?:[^\"\\]|\\.)*\") nonce=(\w+)\]$",
    re.M,
)


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """What a workflow prompt asks for. `path` is empty for a plan; `nonce` fences file contents."""

    kind: Kind
    recipe: str
    nonce: str
    path: str = ""

    def line(self) -> str:
        """Return the line to put into the prompt."""
        path = json.dumps(self.path)
        return f"[workbench kind={self.kind} recipe={self.recipe} path={path} nonce={self.nonce}]"


def find(text: str) -> Marker | None:
    """Return the last marker in `text`, or None."""
    found = list(_LINE.finditer(text))
    if not found:
        return None
    kind, recipe, quoted, nonce = found[-1].groups()
    try:
        path = json.loads(quoted)
    except ValueError:  # anybody may write a line that looks like ours
        return None
    return Marker(kind=cast(Kind, kind), recipe=recipe, path=path, nonce=nonce)
