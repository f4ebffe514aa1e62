"""Where in a YAML text a path stands, so that an error can name the line.

Pure: text in, numbers out. Used for every YAML file that people write.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


def split_path(path: str) -> list[str | int]:
    """Return the steps of ``$.router.ports[0]``: names and indexes."""
    return [int(match[2]) if match[2] is not None else match[1] for match in _STEP.finditer(path)]


def line_of(text: str, steps: Iterable[str | int]) -> int | None:
    """Return the 1-based line of the key at `steps`, or of its nearest parent; None for what is no YAML."""
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError:
        return None
    if node is None:
        return None
    line: int = node.start_mark.line + 1
    for step in steps:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        child = node.value[step]
        return child.start_mark.line + 1, child
    return None


def nearest(given: str, known: Iterable[str]) -> str | None:
    """Return the known word most like `given`, or None when none is near."""
    matches = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None
