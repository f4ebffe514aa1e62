"""``workbench auth``: a Codex or Copilot subscription as a provider of the router."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, facts, say

_SNIPPET = """\
model_list:
  - model_name: subscription/*
    litellm_params:
      model: openai/*
      api_base: {base_url}/v1
      api_key: os.environ/CLIPROXY_API_KEY
"""


@click.group(
    epilog=examples(
        "workbench bootstrap download && workbench auth start",
        "workbench auth codex import            take over what `codex login` left",
        "workbench auth copilot login",
        "workbench auth snippet                 what to put into config.yaml",
    )
)
def command() -> None:
    """Use a Codex or Copilot subscription as a provider.

    A helper program signs in and answers on loopback; the router sends requests to it like to any provider.
    Check that your subscription's terms allow such use.
    """


@command.group("codex", epilog=examples("workbench auth codex import", "workbench auth codex login"))
def codex() -> None:
    """Sign in with a ChatGPT subscription."""


@codex.command("import", epilog=examples("workbench auth codex import --from ~/.codex/auth.json"))
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    default="~/.codex/auth.json",
    show_default=True,
    help="The file that `codex login` wrote.",
)
@pass_context
def import_(ctx: Context, source: Path) -> None:
    """Take over the tokens that `codex login` left."""
    from workbench.control.subscription.codex import import_codex
    from workbench.control.subscription.layout import Layout, prepare

    layout = Layout(ctx.home)
    prepare(layout)
    done = import_codex(source.expanduser(), layout)
    if ctx.json:
        emit({"path": str(done.path), "email": done.email, "expires": done.expires})
    else:
        say(str(done.path))
        ctx.note(f"{done.email}, access until {done.expires}")
    ctx.note("the refresh token rotates: whichever program refreshes first signs the other out")


@codex.command("login", epilog=examples("workbench auth codex login"))
@click.option(
    "--timeout", "timeout_s", default=900.0, show_default=True, help="Seconds to wait for the browser."
)
@pass_context
def codex_login(ctx: Context, timeout_s: float) -> None:
    """Sign in with the browser."""
    _login(ctx, "codex", timeout_s)


@command.group("copilot", epilog=examples("workbench auth copilot login"))
def copilot() -> None:
    """Sign in with a GitHub Copilot subscription."""


@copilot.command("login", epilog=examples("workbench auth copilot login"))
@click.option(
    "--timeout", "timeout_s", default=900.0, show_default=True, help="Seconds to wait for the browser."
)
@pass_context
def copilot_login(ctx: Context, timeout_s: float) -> None:
    """Sign in with the browser and a code."""
    _login(ctx, "copilot", timeout_s)


@command.command("start", epilog=examples("workbench auth start"))
@pass_context
def start_(ctx: Context) -> None:
    """Start the helper on loopback and wait until it answers."""
    from workbench.control.subscription import process
    from workbench.control.subscription.layout import Layout

    address = process.start(Layout(ctx.home))
    if ctx.json:
        emit({"base_url": address})
    else:
        say(f"{address}/v1")


@command.command("stop", epilog=examples("workbench auth stop"))
@pass_context
def stop_(ctx: Context) -> None:
    """Stop the helper."""
    from workbench.control.subscription import process
    from workbench.control.subscription.layout import Layout

    stopped = process.stop(Layout(ctx.home))
    if ctx.json:
        emit({"stopped": stopped})
    else:
        ctx.note("the helper has stopped" if stopped else "the helper does not run")


@command.command("status", epilog=examples("workbench auth status --json"))
@pass_context
def status_(ctx: Context) -> None:
    """Show whether the helper is there and runs, and its accounts."""
    from workbench.control.subscription import process
    from workbench.control.subscription.layout import Layout

    state = process.state(Layout(ctx.home))
    if ctx.json:
        emit(msgspec.to_builtins(state))
        return
    rows = [(name, value) for name, value in msgspec.structs.asdict(state).items() if name != "accounts"]
    facts([*rows, ("accounts", ", ".join(state.accounts) or "none")], color=ctx.colored)


@command.command("snippet", epilog=examples("workbench auth snippet"))
@pass_context
def snippet_(ctx: Context) -> None:
    """Print the entry for the router's config.yaml."""
    from workbench.control.subscription.layout import Layout, base_url, prepare

    layout = Layout(ctx.home)
    prepare(layout)
    say(_SNIPPET.format(base_url=base_url(layout)).rstrip())
    ctx.note(f"put it into {ctx.home.config}, then: workbench router reload")


def _login(ctx: Context, kind: str, timeout_s: float) -> None:
    from typing import cast

    from workbench.control.subscription import process
    from workbench.control.subscription.layout import Layout
    from workbench.control.subscription.login import Kind, Prompt, log_in

    def on_prompt(prompt: Prompt) -> None:
        ctx.note(f"open   {prompt.url}")
        if prompt.code:
            ctx.note(f"type   {prompt.code}")
        ctx.note("waiting for the browser; Ctrl-C gives up")

    layout = Layout(ctx.home)
    process.start(layout)
    account = log_in(layout, cast(Kind, kind), on_prompt, timeout_s=timeout_s)
    if ctx.json:
        emit({"account": account})
    else:
        say(account)
        ctx.note("signed in; next: workbench auth snippet")
