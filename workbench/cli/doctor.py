"""``workbench doctor``."""

from __future__ import annotations

import click

from workbench.cli.checks import conclude
from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.control.check import Check, doubt, fault, good
from workbench.domain.errors import ConfigError


@click.command(
    epilog=examples("workbench doctor", "workbench doctor --json | jq '.[] | select(.status != \"ok\")'")
)
@pass_context
def command(ctx: Context) -> None:
    """Check this machine and home, and say how to mend each fault.

    Changes nothing. Exits 1 when something must be mended; warnings alone exit 0.
    """
    from workbench.control.doctor import examine

    conclude(ctx, [*examine(ctx.bare_home), *_config(ctx)])


def _config(ctx: Context) -> list[Check]:
    """Check the router's configuration the way the router reads it."""
    from workbench.routing.config import load_config
    from workbench.settings.keys import merged_environment

    home = ctx.bare_home
    if not home.config.is_file():
        return []
    try:
        config = load_config(home, merged_environment(home))
    except ConfigError as error:
        return [fault("router config", error.message, error.hint or f"edit {home.config}")]
    checks = [doubt("router config", notice.text()) for notice in config.notices]
    enabled = [item for item in config.deployments if item.enabled and item.adapter not in {"demo", "echo"}]
    if not enabled:
        detail = "no provider is switched on; demo and echo answer"
        checks.append(doubt("providers", detail, f"put a key into {home.env_file}, e.g. OPENAI_API_KEY=…"))
    else:
        names = ", ".join(dict.fromkeys(item.provider for item in enabled))
        checks.append(good("providers", f"{len(enabled)} deployments on: {names}"))
    return checks or [good("router config", str(home.config))]
