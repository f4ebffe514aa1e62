"""docs/store.md says what is there: tables, columns, keys of the filter language, commands."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from workbench.cli.store import command
from workbench.store.filter_keys import KEYS
from workbench.store.run_filter import RUN_KEYS

_PAGE = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")


def test_tables_and_columns_are_the_real_ones(bench):
    """Each table has its heading and exactly its columns, in their order."""
    documented = {
        name: [column.strip() for column in columns.split(",")]
        for name, columns in re.findall(r"^### (\w+)\n\n`([^`]+)`", _PAGE, flags=re.MULTILINE)
    }
    real = {}
    with sqlite3.connect(bench.path) as db:
        tables = db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
        )
        for (name,) in tables.fetchall():
            if not name.startswith("messages_fts_"):
                columns = db.execute(
                    f"SELECT name FROM pragma_table_xinfo('{name}') WHERE hidden <> 1 ORDER BY cid"
                )
                real[name] = [row[0] for row in columns]
    assert documented == {
        name: [c for c in columns if c not in {"messages_fts", "rank"}] for name, columns in real.items()
    }


def test_every_key_of_the_filter_language_is_there():
    """A key that nobody can read about does not exist for people."""
    table = _PAGE.split("## The filter language")[1].split("### For runs")[0]
    assert [key for key in KEYS if f"{key}:" not in table] == []


def test_every_key_of_the_filter_for_runs_is_there():
    """Runs have keys of their own."""
    table = _PAGE.split("### For runs")[1].split("## Retention")[0]
    assert [key for key in RUN_KEYS if f"{key}:" not in table] == []


def test_every_command_is_there():
    """The table of commands is complete."""
    assert [name for name in command.commands if f"workbench store {name}" not in _PAGE] == []
