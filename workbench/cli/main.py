"""The command ``workbench``: its nouns by name, loaded when they are used."""

from __future__ import annotations

import importlib
import io
import sys
from typing import Any

import click

from workbench import __version__
from workbench.cli.context import Context
from workbench.cli.failures import guarded
from workbench.cli.options import add_global_options, global_params

NOUNS: dict[str, tuple[str, str, str]] = {
    # name: (section, module:attribute, one line of help)
    "tui": ("Look", "tui:command", "Open the terminal app (the same as no command)."),
    "serve": ("Look", "serve:command", "Open the terminal app in a browser, on loopback."),
    "exchanges": ("Look", "exchanges:command", "List, show, save, tag and pin recorded exchanges."),
    "runs": ("Look", "runs:command", "List, show, approve, resume and cancel runs."),
    "events": ("Look", "events:command", "Follow what goes through the router, live."),
    "router": ("Router", "router:command", "Serve, start, stop and inspect the router."),
    "models": ("Router", "models:command", "List the model groups that answer."),
    "profile": ("Router", "profile:command", "Show or change the routing profile."),
    "tenant": ("Router", "tenant:command", "Show tenants and make their keys."),
    "health": ("Router", "health:command", "Say whether everything works; exit 1 if not."),
    "service": ("Router", "service:command", "Install the router as a service of your account."),
    "generate": ("Work", "generate:command", "Plan, scaffold and verify a program from a brief."),
    "recipes": ("Work", "recipes:command", "List, check and make recipes."),
    "web-smoke": ("Work", "web_smoke:command", "Build, serve and check a generated web app."),
    "replay": ("Work", "replay:command", "Send exchanges, runs or payload files again."),
    "diff": ("Work", "diff:command", "Compare two exchanges."),
    "bench": ("Work", "bench:command", "Compare models over a set of payloads."),
    "prune": ("Keep", "prune:command", "Delete what retention no longer keeps."),
    "export": ("Keep", "transfer:export_command", "Write exchanges to a cassette, JSONL or HAR file."),
    "import": ("Keep", "transfer:import_command", "Read exchanges from a file."),
    "store": ("Keep", "store:command", "Inspect, verify, back up and compact the store."),
    "init": ("Set up", "init:command", "Make a home, or import another router's configuration."),
    "config": ("Set up", "config:command", "Show, change and migrate the configuration."),
    "doctor": ("Set up", "doctor:command", "Check this machine and home; say how to mend each fault."),
    "security-check": (
        "Set up",
        "security_check:command",
        "Look for weak keys, open files, exposed secrets.",
    ),
    "bootstrap": ("Set up", "bootstrap:command", "Download the helper that signs in to subscriptions."),
    "auth": ("Set up", "auth:command", "Use a Codex or Copilot subscription as a provider."),
    "completion": ("Set up", "completion:command", "Print the shell completion script."),
    "version": ("Set up", "version:command", "Print the version."),
}

EXAMPLES = """\
\b
Examples:
  workbench                                   open the terminal app
  workbench router start                      serve http://127.0.0.1:4000/v1
  workbench exchanges list 'status:>=400'     what went wrong lately
  workbench generate "a slug library" --model demo
"""


class Workbench(click.Group):
    """The top group: knows every noun's name and help without importing any."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(NOUNS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in NOUNS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands[cmd_name]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in NOUNS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], NOUNS, 1, 0.5)
            hint = f"did you mean `workbench {near[0]}`?" if near else "`workbench --help` lists the commands"
            raise click.UsageError(f"no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, (section, _, sentence) in NOUNS.items():
            sections.setdefault(section, []).append((name, sentence))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)


def _load(name: str) -> click.Command:
    module, attribute = NOUNS[name][1].split(":")
    full = f"workbench.cli.{module}"
    try:
        command = getattr(importlib.import_module(full), attribute)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        raise click.ClickException(f"`workbench {name}` is not part of this version") from None
    assert isinstance(command, click.Command)
    return add_global_options(command)


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"workbench {__version__}")
        ctx.exit()


@click.group(
    cls=Workbench,
    invoke_without_command=True,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Watch, search, replay and compare LLM traffic, and generate checked code through the same router.

    Without a command the terminal app opens.
    """
    ctx.ensure_object(Context)
    if ctx.invoked_subcommand is None:
        opened = cli.get_command(ctx, "tui")
        assert opened is not None
        ctx.invoke(opened)


cli.params.extend(global_params())


def main(argv: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a terminal without UTF-8 gets escapes, not a crash
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code; whatever happens is said on stderr."""
    state = Context()

    def invoke() -> Any:
        return cli.main(args=argv, prog_name="workbench", standalone_mode=False, obj=state)

    return guarded(invoke, state, argv)
