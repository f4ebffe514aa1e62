"""``workbench serve``: the terminal app in a browser."""

from __future__ import annotations

import socket

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.domain.errors import UsageError


@click.command(epilog=examples("workbench serve", "workbench serve --port 8080"))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; 0: a free one.")
@pass_context
def command(ctx: Context, /, port: int) -> int:
    """Open the terminal app in a browser, on loopback; the printed address holds its token.

    Ctrl-C ends it and every open session. The router goes on.
    """
    from workbench.tui.browser import BrowserServer

    chosen = _free(port)
    server = BrowserServer(ctx.home.root, chosen, click.echo, ["--no-start"] if ctx.no_start else [])
    ctx.note("Whoever has this address has this app. Ctrl-C ends it.")
    server.serve()
    return 0


def _free(port: int) -> int:
    """Return the port if it can be had, a free one for 0. Raises UsageError."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            hint = "workbench serve --port 0"
            raise UsageError(f"port {port} can't be had: {error.strerror}", hint=hint) from None
        return int(listener.getsockname()[1])
