"""``workbench bootstrap``."""

from __future__ import annotations

import sys

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, say


@click.group(epilog=examples("workbench bootstrap download"))
def command() -> None:
    """Download the helper that signs in to subscriptions (CLIProxyAPIPlus)."""


@command.command(
    "download",
    epilog=examples(
        "workbench bootstrap download",
        "workbench bootstrap download --sha256 0f3c…   # where the release lists no checksums",
    ),
)
@click.option("--release", default="6.8.16-0", show_default=True, help="The release to take.")
@click.option("--source", metavar="URL", help="Where releases are, for a mirror; https only.")
@click.option("--sha256", metavar="SUM", help="The archive's sum, instead of the release's own list.")
@pass_context
def download_(ctx: Context, release: str, source: str | None, sha256: str | None) -> None:
    """Download, verify and install it into this home.

    Exits 1 when the archive's SHA-256 is not the published one; nothing is installed then.
    """
    from workbench.control.subscription.download import RELEASES, download
    from workbench.control.subscription.layout import Layout

    def on_progress(done: int, total: int | None) -> None:
        share = f" of {total / 1e6:.1f}" if total else ""
        click.echo(f"\r{done / 1e6:.1f}{share} MB", nl=False, err=True)

    shown = sys.stderr.isatty() and not ctx.quiet
    installed = download(
        Layout(ctx.home),
        version=release,
        source=source or RELEASES,
        sha256=sha256,
        on_progress=on_progress if shown else None,
    )
    if shown:
        click.echo("", err=True)
    if ctx.json:
        emit({"path": installed.path, "version": installed.version, "sha256": installed.sha256})
    else:
        say(installed.path)
        ctx.note(
            f"version {installed.version}, verified by {installed.verified_by}; next: workbench auth start"
        )
