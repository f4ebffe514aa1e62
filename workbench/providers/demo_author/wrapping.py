"""The module ``commands`` of a generated program, and source that command lines and services share."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import LINE_LENGTH, Core, import_line, used_in
from workbench.providers.demo_author.project import File


def commands_file(core: Core, commands: Commands) -> File:
    """Return the module whose functions take what a person typed and return what to show."""
    functions = [commands.shared] if commands.shared else []
    functions += [_function(command) for command in commands.commands]
    source = "\n\n\n".join(functions)
    decimal = used_in(source, ("Decimal", "InvalidOperation"))
    imports = [import_line("decimal", decimal) + "\n"] if decimal else []
    imports.append(import_line(core.package, used_in(source, core.library.exports)))
    return core.file(
        core.path("commands"),
        "What the program can do, as functions from words to words",
        "wrapping/commands.py",
        (core.module_path, core.path("__init__")),
        {"imports": "\n".join(imports), "functions": source},
    )


def signature(params: tuple[Param, ...]) -> str:
    """Return the parameters as a function declares them."""
    return ", ".join(
        f"{param.name}: {param.kind}" + (f" = {param.default}" if param.default else "") for param in params
    )


def rows(cases: Iterable[tuple[str, ...]]) -> str:
    """Return the rows of a test's table, each made of source of its values, long ones wrapped."""
    return "\n".join(_row(case) for case in cases)


def _row(case: tuple[str, ...]) -> str:
    line = f"        ({', '.join(case)}),"
    if len(line) <= LINE_LENGTH:
        return line
    return "        (\n" + "".join(f"            {value},\n" for value in case) + "        ),"


def constants(core: Core, commands: Commands) -> list[str]:
    """Return the names of the domain that signatures use."""
    heads = "\n".join(f"def _({signature(command.params)}): ..." for command in commands.commands)
    return used_in(heads, core.library.exports)


def _function(command: Command) -> str:
    body = textwrap.indent(command.body, "    ")
    return f'def {command.name}({signature(command.params)}) -> str:\n    """{command.help}"""\n{body}'
