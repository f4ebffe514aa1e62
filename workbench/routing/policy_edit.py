"""Adding a tenant's key to ``models-policy.yaml`` without touching anything else in it. Text in, text out."""

from __future__ import annotations

import yaml

HEAD = "# Tenants: who may use which models, how fast, for how much. Keys are kept as digests only.\n"


class NotEditable(ValueError):
    """The file is written in a form that is not safe to edit by line; `line` is what belongs there."""

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.line = line


def with_key(text: str, tenant: str, label: str, digest: str) -> str:
    """Return the file's `text` with one more key of `tenant`, who is added when new. Raises NotEditable."""
    item = f"- {{name: {label}, sha256: {digest}}}"
    root = yaml.compose(text, Loader=yaml.SafeLoader) if text.strip() else None
    tenants = _member(root, "tenants")
    if tenants is None or _empty(tenants):
        return _appended(text, tenants, f"tenants:\n  {tenant}:\n    keys:\n      {item}\n", item)
    _need_block(tenants, item)
    rules = _member(tenants, tenant)
    if rules is None:
        indent = _column(tenants)
        block = f"{indent}{tenant}:\n{indent}  keys:\n{indent}    {item}\n"
        return _inserted(text, tenants, block)
    _need_block(rules, item)
    keys = _member(rules, "keys")
    if keys is None:
        indent = _column(rules)
        return _inserted(text, rules, f"{indent}keys:\n{indent}  {item}\n")
    if not isinstance(keys, yaml.SequenceNode) or keys.flow_style or not keys.value:
        raise NotEditable(item)
    return _inserted(text, keys, f"{' ' * keys.start_mark.column}{item}\n")


def _member(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~")


def _need_block(node: yaml.Node, item: str) -> None:
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise NotEditable(item)


def _column(node: yaml.Node) -> str:
    return " " * node.start_mark.column


def _appended(text: str, tenants: yaml.Node | None, block: str, item: str) -> str:
    if tenants is not None:
        raise NotEditable(item)
    if not text.strip():
        return (text or HEAD) + block
    return text + ("" if text.endswith("\n") else "\n") + block


def _inserted(text: str, after: yaml.Node, block: str) -> str:
    """Put `block` below the last line of a block node that has something on it."""
    lines = text.splitlines(keepends=True)
    end = after.end_mark.line if after.end_mark.column == 0 else after.end_mark.line + 1
    while end > 0 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    if not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    return "".join([*lines[:end], block, *lines[end:]])
