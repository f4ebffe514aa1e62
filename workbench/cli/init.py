"""``workbench init``: make a home, or take over another router's configuration."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, talk
from workbench.domain.errors import ConfigError

if TYPE_CHECKING:
    from workbench.settings.home import Home


@click.command(
    epilog=examples(
        "workbench init",
        "workbench init --from ~/litellm/config.yaml",
        "workbench init --from providers.yaml",
    )
)
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A LiteLLM config.yaml or a providers.yaml.",
)
@pass_context
def command(ctx: Context, source: Path | None) -> None:
    """Make a home with working defaults; with --from, take over a router configuration.

    The old config.yaml is kept beside the new one. Keys that stand in a providers.yaml go to .env.
    """
    home = ctx.home
    result: dict[str, Any] = {"home": str(home.root), "config": str(home.config)}
    if source is not None:
        result |= _take_over(home, source)
    if ctx.json:
        emit(result)
        return
    click.echo(str(home.root))
    for note in result.get("notes", []):
        talk(f"note: {note}")
    if source is not None:
        talk(f"{result['deployments']} deployments, {result['enabled']} switched on: workbench models")


def _take_over(home: Home, source: Path) -> dict[str, Any]:
    """Write the home's config from `source` and check it; the old file stays where the new one is bad."""
    from workbench.control.files import write_atomic
    from workbench.routing.config_load import load_file
    from workbench.settings.keys import merged_environment

    text, keys, notes = _read(source)
    beside = home.config.with_name(".config.yaml.new")
    write_atomic(beside, text.encode())
    try:
        _keep_keys(home, keys)
        config = load_file(beside, merged_environment(home))
        backup = _backup(home.config)
        beside.replace(home.config)
    finally:
        beside.unlink(missing_ok=True)
    own = [entry for entry in config.deployments if not entry.info.get("canned")]
    notes += [notice.text().replace(str(beside), str(home.config)) for notice in config.notices]
    notes += [f"{entry.id} is off: {entry.disabled_reason}" for entry in own if not entry.enabled]
    return {
        "backup": backup,
        "deployments": len(own),
        "enabled": sum(entry.enabled for entry in own),
        "notes": notes,
    }


def _read(source: Path) -> tuple[str, dict[str, str], list[str]]:
    """Return the new config's text, the keys it holds, and what was not taken over."""
    import yaml

    from workbench.routing.config_yaml import parse
    from workbench.routing.import_providers import import_providers, looks_like_providers

    text = source.read_text(encoding="utf-8")
    data = parse(text, source)
    if data.get("include"):
        raise ConfigError("names other files: copy it beside them by hand", file=str(source), path="include")
    if not looks_like_providers(data):
        return text, {}, []
    try:
        made = import_providers(data)
    except ValueError as error:
        raise ConfigError(str(error), file=str(source), path="providers") from None
    head = f"# Taken over from {source.name}.\n"
    return head + yaml.safe_dump(made.config, sort_keys=False, allow_unicode=True), made.keys, made.notes


def _keep_keys(home: Home, keys: dict[str, str]) -> None:
    """Add keys to ``.env`` that are not there yet."""
    from workbench.control.files import PRIVATE, write_atomic
    from workbench.settings.keys import read_env

    new = {name: value for name, value in keys.items() if name not in read_env(home)}
    if not new:
        return
    text = home.env_file.read_text(encoding="utf-8") if home.env_file.exists() else ""
    lines = "".join(f"{name}='{value}'\n" for name, value in new.items())
    write_atomic(home.env_file, f"{text.rstrip()}\n{lines}".lstrip().encode(), mode=PRIVATE)


def _backup(path: Path) -> str | None:
    if not path.exists():
        return None
    backup = path.with_name(f"{path.name}.{time.strftime('%Y%m%d-%H%M%S')}.bak")
    backup.write_bytes(path.read_bytes())
    return str(backup)
