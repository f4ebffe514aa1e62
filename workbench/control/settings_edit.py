"""Changing one setting in ``workbench.yaml`` without touching anything else in it.

The edit is made in the text, so comments and layout stay; then the text is read back and compared with what
was meant. A file that is laid out too oddly for that is left alone, and the error says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from workbench.control.files import write_atomic
from workbench.domain.errors import ConfigError
from workbench.settings.home import Home
from workbench.settings.load import load_settings

_NONE = frozenset({"", "-", "none", "null"})


def parse_setting(home: Home, name: str, text: str, *, optional: bool) -> Any:
    """Return the value that `text` means for a setting. Raises ConfigError with what is wrong with it."""
    text = text.strip()
    if text.lower() in _NONE and optional:
        return None
    section, key = name.split(".")
    settings = load_settings(home, {}, {name: text})
    return getattr(getattr(settings, section), key)


def set_setting(home: Home, name: str, value: Any) -> None:
    """Write a value into the file, which is made where there is none. Raises ConfigError."""
    section, key = name.split(".")
    text, data = _read(home.settings_file)
    inner = data.get(section)
    meant = {**data, section: {**(inner if isinstance(inner, dict) else {}), key: value}}
    _write(home, _with(text, section, key, _scalar(value)), meant, name)


def unset_setting(home: Home, name: str) -> None:
    """Take a setting out of the file, so that its default counts again. Raises ConfigError."""
    section, key = name.split(".")
    text, data = _read(home.settings_file)
    inner = data.get(section)
    if not isinstance(inner, dict) or key not in inner:
        return
    left = {other: value for other, value in inner.items() if other != key}
    meant = {other: value for other, value in data.items() if other != section or left}
    if left:
        meant[section] = left
    _write(home, _without(text, section, key, alone=not left), meant, name)


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_bytes().decode("utf-8")
        data = yaml.safe_load(text) or {}
    except FileNotFoundError:
        return "", {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"can't be read: {error}", file=str(path)) from None
    if not isinstance(data, dict):
        raise ConfigError("a mapping of settings is needed", file=str(path), line=1)
    return text, data


def _write(home: Home, text: str, meant: dict[str, Any], name: str) -> None:
    """Compare what would be written with what was meant, then replace the file in one step."""
    path = home.settings_file.resolve()  # a link stays a link
    try:
        right = (yaml.safe_load(text) or {}) == meant
    except yaml.YAMLError:
        right = False
    if not right:
        raise ConfigError(
            "is laid out too oddly to be changed safely",
            file=str(home.settings_file),
            path=name,
            hint=f"change it by hand: $EDITOR {home.settings_file}",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    write_atomic(path, text.encode("utf-8"), mode=mode)


def _scalar(value: Any) -> str:
    """Return a value as YAML writes it in one line."""
    # Only double quotes keep a line break in one line.
    style = '"' if isinstance(value, str) and value.splitlines() != [value] else None
    dumped = yaml.safe_dump(value, default_flow_style=True, default_style=style, width=1 << 20)
    return str(dumped).split("\n", 1)[0]


def _with(text: str, section: str, key: str, value: str) -> str:
    """Return the text with the setting in its place."""
    end = "\r\n" if "\r\n" in text else "\n"
    found = _child(_root(text), section)
    if found is None:
        start = "" if not text or text.endswith("\n") else end
        return f"{text}{start}{section}:{end}  {key}: {value}{end}"
    head, inner = found
    if not isinstance(inner, yaml.MappingNode):
        return _after_line(text, head.end_mark.index, f"{end}  {key}: {value}")
    old = _child(inner, key)
    if old is not None:
        return _replaced(text, old[1], value)
    if inner.flow_style:
        place = inner.start_mark.index + 1
        return f"{text[:place]}{key}: {value}{', ' if inner.value else ''}{text[place:]}"
    indent = " " * inner.value[0][0].start_mark.column
    return _after_line(text, inner.value[-1][1].end_mark.index, f"{end}{indent}{key}: {value}")


def _replaced(text: str, node: yaml.Node, value: str) -> str:
    first, last = node.start_mark.index, node.end_mark.index
    gap = " " if text[first - 1 : first] == ":" else ""
    return f"{text[:first]}{gap}{value}{text[last:]}"


def _without(text: str, section: str, key: str, *, alone: bool) -> str:
    """Return the text without the setting's line, and without its section's when nothing is left in it."""
    found = _child(_root(text), section)
    inner = found[1] if found is not None else None
    line = _child(inner, key)
    if found is None or line is None or getattr(inner, "flow_style", True):
        return text  # noticed by the check
    text = _cut_lines(text, line[0].start_mark.index, line[1].end_mark.index)
    head = found[0].start_mark.index
    return _cut_lines(text, head, head) if alone else text


def _cut_lines(text: str, first: int, last: int) -> str:
    start = text.rfind("\n", 0, first) + 1
    end = text.find("\n", last)
    return text[:start] + (text[end + 1 :] if end >= 0 else "")


def _after_line(text: str, index: int, addition: str) -> str:
    """Return the text with `addition` after the line that holds `index`, its comment included."""
    end = text.find("\n", index)
    if end < 0:
        return text + addition
    end -= text[end - 1 : end] == "\r"
    return text[:end] + addition + text[end:]


def _root(text: str) -> yaml.Node | None:
    return yaml.compose(text, Loader=yaml.SafeLoader) if text.strip() else None


def _child(node: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Return a key and its value."""
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((key, value) for key, value in node.value if key.value == name), None)
