"""Adding a tenant's key to ``models-policy.yaml`` without touching anything else in it.

Only the key's SHA-256 is written. The edit is made in the text, then read back and compared with what was
meant; a file that is laid out too oddly for that is left alone.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Any

import msgspec
import yaml

from workbench.control.files import PRIVATE, write_atomic
from workbench.domain.errors import ConfigError, UsageError

KEY_PREFIX = "sk-wb-"


class NewKey(msgspec.Struct, frozen=True):
    """A key that was made. `key` exists nowhere else: it is shown once."""

    tenant: str
    name: str
    key: str

    @property
    def digest(self) -> str:
        """What the policy keeps."""
        return hashlib.sha256(self.key.encode()).hexdigest()

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"NewKey(tenant={self.tenant!r}, name={self.name!r})"


def add_key(path: Path, tenant: str, name: str | None = None) -> NewKey:
    """Make a key for a tenant, who is added if new, and write its digest into the policy file.

    Raises UsageError when the tenant has a key of that name, ConfigError when the file can't be read or
    edited.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    before = _read(text, path)
    keys = _keys(before, tenant)
    label = name or f"key-{len(keys) + 1}"
    if any(key.get("name") == label for key in keys):
        raise UsageError(f"the tenant {tenant!r} has a key named {label!r}", hint="--name gives another one")
    made = NewKey(tenant, label, KEY_PREFIX + secrets.token_urlsafe(32))
    changed = _inserted(text, tenant, f'{{name: "{label}", sha256: "{made.digest}"}}')
    _check(changed, before, made, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, changed.encode(), mode=PRIVATE)
    return made


def _read(text: str, path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError("not YAML", file=str(path), line=mark.line + 1 if mark else None) from None
    if not isinstance(data, dict) or not isinstance(data.get("tenants") or {}, dict):
        raise ConfigError("a mapping of tenants is needed", file=str(path), path="tenants")
    return data


def _keys(data: dict[str, Any], tenant: str) -> list[dict[str, Any]]:
    rules = (data.get("tenants") or {}).get(tenant) or {}
    keys = rules.get("keys") if isinstance(rules, dict) else None
    return [key for key in keys or [] if isinstance(key, dict)]


def _inserted(text: str, tenant: str, entry: str) -> str:
    """Return the text with the key's entry in its place."""
    root = yaml.compose(text, Loader=yaml.SafeLoader) if text.strip() else None
    written = (
        tenant if yaml.safe_load(tenant) == tenant else f'"{tenant}"'
    )  # 123 and yes are not text in YAML
    tenants = _child(root, "tenants")
    if not isinstance(tenants, yaml.MappingNode) or not tenants.value:
        start = "" if not text or text.endswith("\n") else "\n"
        without = _without_empty_tenants(text, root)
        return f"{without}{start}tenants:\n  {written}:\n    keys: [{entry}]\n"
    rules = _child(tenants, tenant)
    if rules is None:
        return _into_mapping(text, tenants, f"{written}: {{keys: [{entry}]}}")
    keys = _child(rules, "keys")
    if isinstance(keys, yaml.SequenceNode) and keys.value:
        return _into_sequence(text, keys, entry)
    if isinstance(rules, yaml.MappingNode) and rules.value and keys is None:
        return _into_mapping(text, rules, f"keys: [{entry}]")
    return text  # noticed by the check


def _without_empty_tenants(text: str, root: yaml.Node | None) -> str:
    """Return the text without a ``tenants:`` that holds nothing."""
    if not isinstance(root, yaml.MappingNode):
        return text
    for key, value in root.value:
        if key.value == "tenants":
            return text[: key.start_mark.index] + text[value.end_mark.index :].lstrip("\n")
    return text


def _into_mapping(text: str, node: yaml.MappingNode, entry: str) -> str:
    if node.flow_style:
        place = node.start_mark.index + 1
        return f"{text[:place]}{entry}{', ' if node.value else ''}{text[place:]}"
    first = node.value[0][0].start_mark
    return f"{text[: first.index]}{entry}\n{' ' * first.column}{text[first.index :]}"


def _into_sequence(text: str, node: yaml.SequenceNode, entry: str) -> str:
    if node.flow_style:
        place = node.start_mark.index + 1
        return f"{text[:place]}{entry}, {text[place:]}"
    start = node.start_mark  # of the first dash
    return f"{text[: start.index]}- {entry}\n{' ' * start.column}{text[start.index :]}"


def _child(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _check(text: str, before: dict[str, Any], made: NewKey, path: Path) -> None:
    """Compare what was written with what was meant. Raises ConfigError when they differ."""
    entry = {"name": made.name, "sha256": made.digest}
    tenants = dict(before.get("tenants") or {})
    rules = dict(tenants.get(made.tenant) or {})
    rules["keys"] = [entry, *(rules.get("keys") or [])]
    wanted = {**before, "tenants": {**tenants, made.tenant: rules}}
    try:
        right = yaml.safe_load(text) == wanted
    except yaml.YAMLError:
        right = False
    if not right:
        raise ConfigError(
            "can't be edited safely",
            file=str(path),
            path=f"tenants.{made.tenant}.keys",
            hint="write keys: [] there",
        )
