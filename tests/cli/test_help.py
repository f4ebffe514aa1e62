"""Every command explains itself: a sentence, its options, commands that can be pasted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click
import pytest

from workbench.cli.main import NOUNS, cli


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield each command of the tree with its full name."""
    context = click.Context(cli)
    for noun in NOUNS:
        try:
            command = cli.get_command(context, noun)
        except click.ClickException:
            continue  # `test_every_noun_is_there` says so
        assert command is not None
        yield from _below(noun, command)


def _below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for inner, below in command.commands.items():
            yield from _below(f"{name} {inner}", below)


ALL = dict(commands())


@pytest.mark.parametrize("name", NOUNS)
def test_every_noun_is_there(name):
    """No noun is named that this version does not have."""
    assert isinstance(cli.get_command(click.Context(cli), name), click.Command)


@pytest.mark.parametrize("name", ALL)
def test_a_command_explains_itself(name):
    """It has a sentence, examples, and a sentence for each option."""
    command = ALL[name]
    assert command.help
    assert command.help.split("\n\n")[0].rstrip().endswith((".", ":"))
    assert "\\b" not in command.help, "click's mark for a block must be the character itself"
    assert f"workbench {name.split()[0]}" in (command.epilog or "")
    assert [
        option.opts for option in command.params if isinstance(option, click.Option) and not option.help
    ] == []


@pytest.mark.parametrize("name", ALL)
def test_examples_parse(name):
    """Each example names a command of this program and options that it has."""
    lines = [line.strip() for line in (ALL[name].epilog or "").splitlines()]
    for line in lines:
        for part in line.partition("   ")[0].split("&&"):
            if part.strip().startswith("workbench "):
                _parse(
                    shlex.split(part.partition("|")[0].partition("<")[0].partition(" > ")[0], comments=True)[
                        1:
                    ]
                )


def _parse(words: list[str]) -> None:
    name = words[0]
    rest = words[1:]
    while isinstance(ALL[name], click.Group) and rest and f"{name} {rest[0]}" in ALL:
        name, rest = f"{name} {rest[0]}", rest[1:]
    known = {opt for param in ALL[name].params for opt in (*param.opts, *param.secondary_opts)}
    assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known
