"""``workbench completion``."""

from __future__ import annotations

import click

from workbench.cli.options import examples
from workbench.domain.errors import ToolUnavailable

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog=examples(
        'eval "$(workbench completion bash)"      # in ~/.bashrc',
        'eval "$(workbench completion zsh)"       # in ~/.zshrc',
        "workbench completion fish > ~/.config/fish/completions/workbench.fish",
    )
)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the script that completes commands and options in your shell."""
    from click.shell_completion import get_completion_class

    from workbench.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    try:
        click.echo(kind(cli, {}, "workbench", "_WORKBENCH_COMPLETE").source())
    except RuntimeError as error:
        raise ToolUnavailable(f"completion for {shell} can't be made here: {error}") from None
