"""Programs for the recipe ``python-cli``: a domain's library with subcommands around it."""

from __future__ import annotations

import shlex

from workbench.providers.demo_author import wrapping
from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.catalog import choose
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Core, import_line
from workbench.providers.demo_author.project import File, Project
from workbench.providers.demo_author.quoting import python


def write(brief: Brief) -> Project:
    """Return the program for `brief`."""
    domain = choose(brief)
    core = Core(brief=brief, library=domain.library(brief), package=brief.package, folder="src/")
    commands = domain.commands(brief, core.library.values)
    names = ", ".join(command.name for command in commands.commands)
    return Project(
        summary=f"A command line with {names}. {core.library.summary}",
        files=(
            *core.files(),
            wrapping.commands_file(core, commands),
            _cli(core, commands),
            core.file(core.path("__main__"), "python -m", "python_cli/main.py", (core.path("cli"),)),
            _tests(core, commands),
            _readme(core, commands),
        ),
        acceptance=(
            *core.library.acceptance,
            "what is asked for goes to standard output, errors to standard error",
            "exit codes: 0 done, 1 refused, 2 wrong use",
        ),
        mistake=core.mistake(),
    )


def argv(command: Command, given: dict[str, str | list[str]]) -> list[str]:
    """Return the arguments of one use, options first so that lists may end it."""
    options: list[str] = []
    words: list[str] = []
    for param in command.params:
        value = given.get(param.name, [])
        values = value if isinstance(value, list) else [value]
        if param.default and values:
            options += [f"--{_dashed(param.name)}={values[0]}"]
        else:
            words += values
    return [command.name, *options, *words]


def _cli(core: Core, commands: Commands) -> File:
    parsers = "\n".join(_parser(command) for command in commands.commands)
    names = wrapping.constants(core, commands)
    imports = [import_line(core.package, [*names, "commands"])]
    values = {"imports": "\n".join(imports), "parsers": parsers, "program": core.brief.name}
    return core.file(
        core.path("cli"),
        "The command line: parses, calls, prints",
        "python_cli/cli.py",
        (core.path("commands"),),
        values,
    )


def _parser(command: Command) -> str:
    lines = [
        f'    {command.name} = add("{command.name}", help="{command.help}")',
        *(f"    {command.name}.add_argument({_argument(param)})" for param in command.params),
        f"    {command.name}.set_defaults(run=commands.{command.name})",
    ]
    return "\n".join(lines)


def _argument(param: Param) -> str:
    kind = param.kind.removeprefix("list[").removesuffix("]")
    parts = [f'"--{_dashed(param.name)}"' if param.default else f'"{param.name}"']
    if kind != "str":
        parts.append(f"type={kind}")
    if kind == "Scale":
        parts.append("choices=list(Scale)")
    if param.kind.startswith("list["):
        parts.append('nargs="+"')
    if param.default:
        parts.append(f"default={param.default}")
    if param.help:
        parts.append(f'help="{param.help}"')
    return ", ".join(parts)


def _tests(core: Core, commands: Commands) -> File:
    uses = wrapping.rows(
        (_literal(argv(command, command.given)), python(command.result)) for command in commands.commands
    )
    refusals = wrapping.rows(
        (_literal(argv(command, command.refused)), python(command.problem)) for command in commands.commands
    )
    values = {"uses": uses, "refusals": refusals}
    return core.file(
        "tests/test_cli.py",
        "Tests of the command line: output, errors, exit codes",
        "python_cli/test_cli.py",
        (core.path("cli"),),
        values,
    )


def _readme(core: Core, commands: Commands) -> File:
    lines = [
        f"python -m {core.package} {shlex.join(argv(command, command.given))}"
        for command in commands.commands
    ]
    values = {"usage": "\n".join(lines)}
    return core.file(
        "README.md", "What the program does", "python_cli/readme.md", (core.path("cli"),), values
    )


def _literal(words: list[str]) -> str:
    return f"[{', '.join(map(python, words))}]"


def _dashed(name: str) -> str:
    return name.replace("_", "-")
