"""Reading LiteLLM's YAML: includes, ``os.environ/X``, and where each thing stands in which file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from workbench.domain.errors import ConfigError
from workbench.domain.yaml_position import line_of

ENVIRON = "os.environ/"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Source(msgspec.Struct, frozen=True):
    """One file as it was read."""

    file: Path
    text: str


class Document:
    """A configuration put together from its files; knows which file each part came from."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.files: list[Path] = []
        self._owners: dict[str, Source] = {}
        self._items: dict[str, list[tuple[Source, int]]] = {}

    def merge(self, data: Mapping[str, Any], source: Source) -> None:
        """Lists concatenate; of other keys the later file wins."""
        for key, value in data.items():
            if isinstance(value, list) and isinstance(self.data.get(key, []), list):
                self.data[key] = [*self.data.get(key, []), *value]
                self._items.setdefault(key, []).extend((source, index) for index in range(len(value)))
            else:
                self.data[key] = value
            self._owners[key] = source

    def where(self, steps: Iterable[str | int]) -> tuple[str, int | None]:
        """Return file and line of a path."""
        path = list(steps)
        key = str(path[0]) if path else ""
        items = self._items.get(key, [])
        source = self._owners.get(key)
        if len(path) > 1 and isinstance(path[1], int) and path[1] < len(items):
            source, path[1] = items[path[1]]
        if source is None:
            return (str(self.files[0]) if self.files else "", None)
        return str(source.file), line_of(source.text, path)

    def error(self, message: str, steps: Iterable[str | int], *, hint: str | None = None) -> ConfigError:
        """Return the error for what is wrong at a path."""
        path = list(steps)
        file, line = self.where(path)
        return ConfigError(message, file=file, line=line, path=dotted(path) or None, hint=hint)


def dotted(steps: Iterable[str | int]) -> str:
    """Return ``model_list[0].litellm_params.rpm``."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_document(path: Path) -> Document:
    """Return the file at `path` with its includes; each file counts once. Raises ConfigError."""
    document = Document()
    _read_into(document, path.resolve(), named_by=None)
    return document


def _read_into(document: Document, path: Path, named_by: Path | None) -> None:
    if path in document.files:
        return
    source = _read(path, named_by)
    document.files.append(path)
    data = parse(source.text, path)
    includes = data.pop("include", None) or []
    document.merge(data, source)
    if isinstance(includes, str):
        includes = [includes]
    if not isinstance(includes, list):
        raise ConfigError("a list of files is needed", file=str(path), path="include")
    for name in includes:
        _read_into(document, (path.parent / str(name)).resolve(), named_by=path)


def _read(path: Path, named_by: Path | None) -> Source:
    try:
        return Source(path, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        if named_by is None:
            raise ConfigError(f"can't be read: {reason}", file=str(path)) from None
        raise ConfigError(f"{path} can't be read: {reason}", file=str(named_by), path="include") from None


def parse(text: str, path: Path) -> dict[str, Any]:
    """Return the mapping in `text`. Raises ConfigError with the line of what is no YAML."""
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(
            f"not YAML: {problem}", file=str(path), line=mark.line + 1 if mark else None
        ) from None
    except (ValueError, RecursionError) as error:  # a date that is none, a bomb of nesting
        raise ConfigError(f"not YAML: {error}", file=str(path)) from None
    if data is None:
        return {}
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise ConfigError("a mapping of settings is needed", file=str(path), line=1)
    return data


def resolve(value: Any, environ: Mapping[str, str]) -> Any:
    """Return `value` with ``os.environ/X`` replaced in mapping values; what is unset becomes None.

    Plain strings in lists stay as they are, as in LiteLLM.
    """
    if isinstance(value, dict):
        return {key: _resolve_value(inner, environ) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolve(inner, environ) if isinstance(inner, (dict, list)) else inner for inner in value]
    return value


def _resolve_value(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, str) and value.startswith(ENVIRON):
        return environ.get(value.removeprefix(ENVIRON))
    return resolve(value, environ)
