"""The user's own keys: ``keys.yaml`` in the home maps ids of bindings to keys."""

from __future__ import annotations

from pathlib import Path

from workbench.domain.errors import ConfigError

TEMPLATE = """\
# Your own keys: the id of a key, as docs/keys.md and ? list them, and the keys that do it instead.
# exchange.replay: ctrl+r
# list.down: j,down,n
"""


def read_keymap(path: Path, known: frozenset[str]) -> dict[str, str]:
    """Return id -> keys. Raises ConfigError with the nearest id for one that does not exist."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't be read: {error}", file=str(path)) from None
    import yaml

    try:
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"not YAML: {error}", file=str(path)) from None
    if not isinstance(data, dict):
        raise ConfigError("a mapping of ids to keys is needed", file=str(path), line=1)
    for name, keys in data.items():
        _check(path, text, known, name, keys)
    return data


def _check(path: Path, text: str, known: frozenset[str], name: object, keys: object) -> None:
    from difflib import get_close_matches

    line = next((at for at, row in enumerate(text.splitlines(), 1) if row.startswith(f"{name}:")), None)
    if name not in known:
        near = get_close_matches(str(name), known, 1)
        hint = f"did you mean {near[0]!r}?" if near else "docs/keys.md lists the ids"
        raise ConfigError(f"no key has the id {name!r}", file=str(path), line=line, hint=hint)
    if not isinstance(keys, str) or not keys:
        raise ConfigError(f"{name}: keys are text, such as ctrl+r", file=str(path), line=line)
