"""Every binding of the app, found by loading all of it: for the keymap's check, the docs and a test."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode

from workbench.tui import screens, widgets


class Key(NamedTuple):
    """One binding as docs and keymap know it."""

    id: str
    keys: str
    text: str
    owner: str


def all_keys() -> list[Key]:
    """Return every binding of ours, by id. Loads all screens."""
    modules = [import_module("workbench.tui.app")]
    for package in (screens, widgets):
        modules += [
            import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)
        ]
    found: dict[str, Key] = {}
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, DOMNode) and value.__module__ == module.__name__:
                for key in _own(value, name):
                    found.setdefault(key.id, key)
    return sorted(found.values())


def _own(owner: type[DOMNode], name: str) -> list[Key]:
    bindings = vars(owner).get("BINDINGS", ())
    return [
        Key(binding.id or "", binding.key, binding.description, name)
        for binding in bindings
        if isinstance(binding, Binding)
    ]
