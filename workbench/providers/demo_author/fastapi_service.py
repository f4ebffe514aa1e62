"""Services for the recipe ``fastapi-service``: a domain's library behind typed HTTP endpoints."""

from __future__ import annotations

from urllib.parse import urlencode

from workbench.domain.text import one_line
from workbench.providers.demo_author import wrapping
from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.catalog import choose
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Core, import_line
from workbench.providers.demo_author.project import File, Project
from workbench.providers.demo_author.quoting import python

PACKAGE = "service"
"""The recipe serves ``service.main:app``, whatever the brief."""


def write(brief: Brief) -> Project:
    """Return the service for `brief`."""
    domain = choose(brief)
    core = Core(brief=brief, library=domain.library(brief), package=PACKAGE, folder="")
    commands = domain.commands(brief, core.library.values)
    names = ", ".join(f"/{command.name}" for command in commands.commands)
    return Project(
        summary=f"A service with {names}. {core.library.summary}",
        files=(
            *core.files(),
            wrapping.commands_file(core, commands),
            _main(core, commands),
            _tests(core, commands),
            _readme(core, commands),
        ),
        acceptance=(
            *core.library.acceptance,
            "what the library refuses is answered with 422 and its reason",
            "GET /health says that the service is up",
        ),
        mistake=core.mistake(),
    )


def _main(core: Core, commands: Commands) -> File:
    endpoints = "\n\n\n".join(_endpoint(command) for command in commands.commands)
    names = wrapping.constants(core, commands)
    values = {
        "annotated": "from typing import Annotated\n\n" if "Annotated[" in endpoints else "",
        "query": ", Query" if "Query(" in endpoints else "",
        "imports": import_line(PACKAGE, [*names, "commands"]),
        "endpoints": endpoints,
        "title": python(core.brief.name),
        "about": python(one_line(core.brief.text, 80)),
    }
    return core.file(
        core.path("main"), "The endpoints", "fastapi_service/main.py", (core.path("commands"),), values
    )


def _endpoint(command: Command) -> str:
    params = ", ".join(_parameter(param) for param in command.params)
    names = ", ".join(param.name for param in command.params)
    return (
        f'@app.get("/{command.name}")\n'
        f"def {command.name}({params}) -> Result:\n"
        f'    """{command.help}"""\n'
        f"    return Result(result=commands.{command.name}({names}))"
    )


def _parameter(param: Param) -> str:
    kind = f"Annotated[{param.kind}, Query()]" if param.kind.startswith("list[") else param.kind
    return f"{param.name}: {kind}" + (f" = {param.default}" if param.default else "")


def _tests(core: Core, commands: Commands) -> File:
    uses = wrapping.rows(
        (python(_url(command, command.given)), python(command.result)) for command in commands.commands
    )
    refusals = wrapping.rows(
        (python(_url(command, command.refused)), python(command.problem)) for command in commands.commands
    )
    values = {"uses": uses, "refusals": refusals, "first": commands.commands[0].name}
    return core.file(
        "tests/test_service.py",
        "Tests of the service over HTTP",
        "fastapi_service/test_service.py",
        (core.path("main"),),
        values,
    )


def _readme(core: Core, commands: Commands) -> File:
    lines = [f"curl 'http://127.0.0.1:8000{_url(command, command.given)}'" for command in commands.commands]
    values = {"usage": "\n".join(lines)}
    purpose = "What the service does"
    return core.file("README.md", purpose, "fastapi_service/readme.md", (core.path("main"),), values)


def _url(command: Command, given: dict[str, str | list[str]]) -> str:
    return f"/{command.name}?{urlencode(given, doseq=True)}"
