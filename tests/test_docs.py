"""The documents tell the truth about what can be checked: links, import laws, exit codes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest

from workbench.cli.main import NOUNS, cli
from workbench.domain import errors
from workbench.domain.exchange import Exchange
from workbench.domain.run import Run

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "apps" / "router-demo").glob("*.md")]
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(document: Path) -> None:
    """A link to a file in the repository names one that is there."""
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", document.read_text())
    assert [] == [target for target in targets if not (document.parent / target).exists()]


def test_the_layers_in_the_architecture_are_the_ones_that_are_checked() -> None:
    """docs/architecture.md and the import contracts name the same order."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert " > ".join(layers) in (ROOT / "docs" / "architecture.md").read_text()


def test_every_error_class_stands_in_the_tree_of_its_module() -> None:
    """The docstring's tree shows each class with its exit code."""
    tree = errors.__doc__ or ""
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, errors.WorkbenchError):
            assert re.search(rf"\b{error.__name__}\s+(exit )?{error.exit_code}\b", tree), error.__name__


def test_every_package_room_stands_in_the_architecture() -> None:
    """A room that is not on the map is not found by newcomers."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    rooms = {path.name for path in (ROOT / "workbench").iterdir() if (path / "__init__.py").exists()}
    assert set() == {room for room in rooms if f"`{room}/`" not in text}


def test_every_command_stands_in_the_command_line_s_page() -> None:
    """docs/cli.md names each noun the program knows."""
    text = (ROOT / "docs" / "cli.md").read_text()
    assert [] == [noun for noun in NOUNS if noun != "tui" and f"`{noun}`" not in text]


def test_the_command_line_s_page_names_every_subcommand_and_no_other() -> None:
    """Each row whose noun has subcommands names all of them."""
    text = (ROOT / "docs" / "cli.md").read_text().split("## Global flags")[0]
    rows = {
        row[1]: set(re.findall(r"`([\w-]+)`", row[2]))
        for row in re.finditer(r"^\| `(\S+)` \|(.*)$", text, re.M)
    }
    context = click.Context(cli)
    nouns = {noun: cli.get_command(context, noun) for noun in NOUNS}
    groups = {noun: set(found.commands) for noun, found in nouns.items() if isinstance(found, click.Group)}
    assert groups == {noun: rows.get(noun) for noun in groups}


def test_the_json_names_are_those_of_the_values() -> None:
    """What docs/cli.md promises is in the JSON of an exchange and of a run."""
    text = (ROOT / "docs" / "cli.md").read_text()
    exchange_names, run_names = (
        re.findall(r"`(\w+)`", paragraph) for paragraph in text.split("## JSON names")[1].split("\n\n")[1:3]
    )
    exchange = Exchange(id="ex_1", started_at=0, endpoint="/v1/chat/completions").to_json()
    run = Run(id="run_1", kind="workflow", title="t", status="running", started_at=0).to_json()
    assert set(exchange_names) <= set(exchange)
    assert set(run_names) <= set(run)
    assert len(exchange_names) > 20


def test_every_picture_of_the_script_is_there_and_in_the_readme() -> None:
    """`make screenshots` makes what the README shows: one picture of every screen, and no other."""
    script = (ROOT / "scripts" / "screenshots.py").read_text()
    made = set(re.findall(r'^    "([a-z-]+)": \("', script, re.M))
    readme = (ROOT / "README.md").read_text()
    assert made == {path.stem for path in (ROOT / "docs" / "img").glob("*.svg")}
    assert made == set(re.findall(r"\]\(docs/img/([a-z-]+)\.svg\)", readme))
