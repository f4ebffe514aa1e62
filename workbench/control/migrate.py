"""Bringing a router config up to date: keys that stand in it move to ``.env``.

Comments, order and layout of the file stay. Nothing is lost at any moment: ``.env`` is written first, then
the old config is kept beside the new one, then the new one takes its place.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from workbench.control.files import PRIVATE, create, write_atomic
from workbench.control.home import new_key
from workbench.domain.errors import ConfigError
from workbench.settings.home import Home
from workbench.settings.keys import KEY_NAME, check_key, is_placeholder, read_env

SECRET_KEYS = frozenset({"api_key", "master_key", "aws_secret_access_key", "azure_ad_token", "client_secret"})
_REFERENCE = "os.environ/"
_NO_KEY = frozenset({"none", "null", "dummy", "not-needed", "na", "n/a", "ollama", "lm-studio", "anything"})


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One key that leaves the config."""

    line: int
    """In the config, 1 first."""
    path: str
    """Such as ``litellm_params.api_key``."""
    variable: str
    """The name in ``.env``."""
    value: str
    start: int
    end: int
    replaced: bool = False
    """The old key was publicly known or short: a random one takes its place, and clients need it."""

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"Move(line={self.line}, variable={self.variable})"

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form, without the key."""
        return {"line": self.line, "path": self.path, "variable": self.variable, "replaced": self.replaced}


def plan_migration(home: Home) -> list[Move]:
    """Return the keys that stand in the home's config, in the file's order. Nothing is changed.

    Raises ConfigError when the config can't be read.
    """
    text = _read(home.config)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise ConfigError("not YAML", file=str(home.config), line=line, hint="workbench doctor") from None
    taken = dict(read_env(home))
    moves: list[Move] = []
    for node, path, model in _secrets(root, (), ""):
        if any(move.start == node.start_mark.index for move in moves):
            continue  # an alias: the same place in the file
        move = _move(node, path, model, taken)
        taken[move.variable] = move.value
        moves.append(move)
    return moves


def migrate(home: Home, moves: list[Move]) -> Path | None:
    """Make the moves and return where the old config is kept; None when there is nothing to do."""
    if not moves:
        return None
    text = _read(home.config)
    _add_to_env(home, {move.variable: move.value for move in moves})
    kept = home.config.with_name(f"{home.config.name}.before-{time.strftime('%Y%m%d-%H%M%S')}")
    create(kept, text.encode(), mode=PRIVATE)
    for move in reversed(moves):
        text = f"{text[: move.start]}{_REFERENCE}{move.variable}{text[move.end :]}"
    write_atomic(home.config, text.encode(), mode=home.config.stat().st_mode & 0o777)
    return kept


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't be read: {error}", file=str(path)) from None


def _secrets(
    node: yaml.Node | None, path: tuple[str, ...], model: str
) -> Iterator[tuple[yaml.ScalarNode, str, str]]:
    """Yield the nodes of keys, each with its path and the model whose key it is."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _secrets(item, path, model)
    if not isinstance(node, yaml.MappingNode):
        return
    pairs = [(str(key.value), value) for key, value in node.value]
    model = next((str(value.value) for key, value in pairs if key == "model"), model)
    for key, value in pairs:
        if key in SECRET_KEYS and isinstance(value, yaml.ScalarNode) and _is_key(value.value):
            yield value, ".".join((*path, key)), model
        else:
            yield from _secrets(value, (*path, key), model)


def _is_key(value: str) -> bool:
    return not (value.startswith(_REFERENCE) or is_placeholder(value) or value.lower() in _NO_KEY)


def _move(node: yaml.ScalarNode, path: str, model: str, taken: dict[str, str]) -> Move:
    value, replaced = str(node.value), False
    if path.endswith("master_key"):
        wanted = KEY_NAME
        try:
            check_key(value, path)
        except ConfigError:
            value, replaced = new_key(), True
        taken.pop(KEY_NAME, None)  # the config's key was in force, so it wins
    else:
        provider = model.partition("/")[0] if "/" in model else "openai"
        wanted = re.sub(r"\W+", "_", provider).strip("_").upper() + "_" + path.rpartition(".")[2].upper()
    return Move(
        line=node.start_mark.line + 1,
        path=path,
        variable=_free_name(wanted, value, taken),
        value=value,
        start=node.start_mark.index,
        end=node.end_mark.index,
        replaced=replaced,
    )


def _free_name(wanted: str, value: str, taken: dict[str, str]) -> str:
    """Return the name, numbered when it holds another key; the same key keeps one name."""
    name, number = wanted, 1
    while taken.get(name, value) != value:
        number += 1
        name = f"{wanted}_{number}"
    return name


def _add_to_env(home: Home, values: dict[str, str]) -> None:
    text = home.env_file.read_text(encoding="utf-8") if home.env_file.exists() else ""
    for name, value in values.items():
        line = f"{name}={_quoted(value)}"
        pattern = re.compile(rf"(?m)^(?:export\s+)?{name}\s*=.*$")
        if pattern.search(text):
            text = pattern.sub(line.replace("\\", r"\\"), text, count=1)
        else:
            text += ("" if not text or text.endswith("\n") else "\n") + line + "\n"
    write_atomic(home.env_file, text.encode(), mode=PRIVATE)


def _quoted(value: str) -> str:
    """Return a value that a shell and python-dotenv read alike."""
    if re.fullmatch(r"[A-Za-z0-9_./:@%+=-]+", value):
        return value
    if "'" in value or "\n" in value:
        raise ConfigError("a key with a quote or a line break can't be moved; move it by hand")
    return f"'{value}'"
