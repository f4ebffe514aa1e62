"""``workbench web-smoke``: build, serve and check a generated web app."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, say
from workbench.domain.errors import UsageError

if TYPE_CHECKING:
    from workbench.workflow.standalone import Target


@click.command(epilog=examples("workbench web-smoke", "workbench web-smoke run_06 --keep-server"))
@click.argument("target", metavar="[RUN|DIR]", required=False)
@click.option("--recipe", metavar="NAME", help="Recipe of a DIR that no run made.")
@click.option("--brief", metavar="TEXT", help="Look for these words instead of the run's brief.")
@click.option("--keep-server", is_flag=True, help="Leave the server running and print its address.")
@click.option("--browser", is_flag=True, help="Also open it in headless Chromium; console errors fail it.")
@click.option("--unsafe-no-sandbox", is_flag=True, help="Run the app without a sandbox, as yourself.")
@pass_context
def command(
    ctx: Context,
    /,
    target: str | None,
    recipe: str | None,
    brief: str | None,
    keep_server: bool,
    browser: bool,
    unsafe_no_sandbox: bool,
) -> int:
    r"""Build, serve and check a generated web app; without RUN or DIR the newest one."""
    from workbench.cli.progress import Progress
    from workbench.workflow import standalone

    found = _target(ctx, target, recipe, brief)
    report = ctx.run(
        standalone.smoke(
            found,
            home=ctx.home,
            on_event=Progress(quiet=ctx.quiet),
            keep_server=keep_server,
            browser=browser,
            unsafe=unsafe_no_sandbox,
        )
    )
    if ctx.json:
        emit(msgspec.to_builtins(report))
    else:
        failed = sum(1 for check in report.checks if check.problem)
        verdict = "passed" if report.passed else "FAILED"
        say(f"web_smoke {verdict}: {len(report.checks)} checks, {failed} failed")
        if report.url:
            say(report.url)
    return 0 if report.passed else 1


def _target(ctx: Context, given: str | None, recipe: str | None, brief: str | None) -> Target:
    from workbench.workflow.library import load_recipe
    from workbench.workflow.standalone import Target

    if given is not None and Path(given).is_dir():
        folder = Path(given).resolve()
        if folder.parent != ctx.home.generated:
            if recipe is None:
                raise UsageError(
                    f"which recipe made {folder}?", hint=f"workbench web-smoke {given} --recipe vite-app"
                )
            return Target(app=folder, kit=load_recipe(recipe, ctx.home), brief=brief or "", run=None)
        given = folder.name
    with ctx.reader() as reader:
        if given is None:
            runs = [run for run in reader.runs(kind="workflow", limit=200).items if _served(ctx, run.recipe)]
            if not runs:
                raise UsageError(
                    "no run of a web app yet",
                    hint='workbench generate "a page for a bakery" --recipe vite-app',
                )
            run = runs[0]
        else:
            run = reader.run(given)
    kit = load_recipe(recipe or run.recipe or "", ctx.home)
    return Target(app=ctx.home.generated / run.id, kit=kit, brief=brief or run.brief or "", run=run)


def _served(ctx: Context, recipe: str | None) -> bool:
    from workbench.domain.errors import WorkbenchError
    from workbench.workflow.library import load_recipe

    with contextlib.suppress(WorkbenchError):
        return load_recipe(recipe or "", ctx.home).recipe.serve is not None
    return False
