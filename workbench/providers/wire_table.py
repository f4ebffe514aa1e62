"""Facts about OpenAI-compatible providers, as data: `wire_providers.tsv` and `wire_rules.yaml`.

The table was read from litellm's public source; the rules say what a provider documents about its own
endpoint. Nothing here is code about one provider.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import Any

import msgspec
import yaml

from workbench.providers.provider import OPENAI_ENDPOINTS

_DATA = resources.files("workbench") / "data"


class WireFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one provider's address, key and wire."""

    api_base: str | None = None
    key_env: tuple[str, ...] = ()
    base_env: tuple[str, ...] = ()
    auth: str = "bearer"
    keyless: bool = False
    endpoints: frozenset[str] = OPENAI_ENDPOINTS
    rename: dict[str, str] = {}
    drop: tuple[str, ...] = ()
    translated: dict[str, str] = {}
    usage: bool = True
    suffix: str = ""
    adapter: str = "wire"

    def rule(self) -> dict[str, Any]:
        """Return what the wire needs to know for a call."""
        return {
            "auth": self.auth,
            "rename": self.rename,
            "drop": self.drop,
            "usage": self.usage,
            "translated": self.translated,
        }


@cache
def wire_providers() -> dict[str, WireFacts]:
    """Return the facts of every provider reached by wire pass-through, by its prefix."""
    rows: dict[str, dict[str, Any]] = {}
    for row in csv.DictReader((_DATA / "wire_providers.tsv").read_text().splitlines(), delimiter="\t"):
        rows[row["prefix"]] = {
            "api_base": None if row["default_api_base"] == "-" else row["default_api_base"].rstrip("/"),
            "key_env": _names(row["key_env"]),
            "base_env": _names(row["base_env"]),
        }
    rules = yaml.load((_DATA / "wire_rules.yaml").read_text(), Loader=_loader())  # noqa: S506 - a safe loader
    for prefix, rule in rules.items():
        rows[prefix] = rows.get(prefix, {}) | rule
    return {prefix: msgspec.convert(row, WireFacts) for prefix, row in rows.items()}


@cache
def known_providers() -> frozenset[str]:
    """Return every prefix litellm knows, and ours."""
    names = (_DATA / "litellm_providers.txt").read_text().split()
    return frozenset(names) | wire_providers().keys()


def _names(cell: str) -> list[str]:
    return [] if cell == "-" else cell.split(",")


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
