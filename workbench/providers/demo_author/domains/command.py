"""What a domain can do, described apart from any shell or server: typed functions from words to words."""

from __future__ import annotations

import msgspec


class Param(msgspec.Struct, frozen=True):
    """A parameter of a command."""

    name: str
    kind: str = "str"
    """Python type: str, int, float, Scale or list[str]."""
    default: str = ""
    """Name of a constant of the domain; empty: the parameter must be given."""
    help: str = ""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A function of the program, with one use that works and one that is refused.

    `given` and `refused` are parameter -> what a person types. The function returns text and raises
    ValueError for what it refuses.
    """

    name: str
    help: str
    params: tuple[Param, ...]
    body: str
    """Python statements that end with a return, without indentation."""
    given: dict[str, str | list[str]]
    result: str
    refused: dict[str, str | list[str]]
    problem: str
    """A part of the message that tells why."""


class Commands(msgspec.Struct, frozen=True, kw_only=True):
    """The commands of a domain, and the functions they share, as source."""

    commands: tuple[Command, ...]
    shared: str = ""
