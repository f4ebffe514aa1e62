"""Backup, salvage, compact, migrations and SQL on real files."""

from __future__ import annotations

import sqlite3

import pytest

from workbench.domain.errors import QueryTimeout, StoreUnavailable, UsageError
from workbench.store import migrations
from workbench.store.backup import backup, salvage
from workbench.store.compaction import compact, rebuild_index
from workbench.store.connection import connect_writer
from workbench.store.schema import MIGRATIONS
from workbench.store.sql import query
from workbench.store.store import Reader, Store
from workbench.store.verification import verify

from .conftest import assistant, user


def fill(bench, count=20):
    history = []
    put = []
    for number in range(count):
        history.append(user(f"question {number} about slugs " + f"word{number} " * 60))
        put.append(bench.chat(list(history), f"answer {number} " + f"reply{number} " * 60))
        history.append(assistant(f"answer {number} " + f"reply{number} " * 60))
    return put


def test_a_backup_is_a_store(bench, tmp_path):
    """The copy opens, is sound and has the same bodies."""
    put = fill(bench)
    target = tmp_path / "copy.db"
    backup(bench.path, target)
    with Reader.open(target) as copy:
        assert verify(copy).sound
        for item in put:
            assert copy.body(item.id, "request") == bench.store.body(item.id, "request")
    with pytest.raises(UsageError, match="exists"):
        backup(bench.path, target)


def test_salvage_leaves_out_what_is_damaged(bench, tmp_path):
    """One hurt chunk costs the exchanges that need it, and no other."""
    first = bench.chat([user("alone " * 50)], "one")
    other = bench.chat([user("different " * 50)], "two")
    with sqlite3.connect(bench.path) as db:
        db.execute(
            "UPDATE chunks SET data = zeroblob(length(data)) WHERE id IN"
            " (SELECT chunk FROM uses WHERE exchange = (SELECT seq FROM exchanges WHERE id = ?))"
            " AND kind = 1",
            (first.id,),
        )
    found = verify(bench.store)
    assert list(found.damaged) == [first.id]
    saved = salvage(bench.path, tmp_path / "saved.db")
    assert list(saved.damaged) == [first.id]
    with Reader.open(tmp_path / "saved.db") as reader:
        assert [item.id for item in reader.exchanges().items] == [other.id]
        assert verify(reader).sound


def test_compact_gives_space_back(bench):
    """After a deletion the file shrinks, also without a full rewrite."""
    put = [bench.put(bytes(str(n), "ascii") * 30_000, b"x" * n) for n in range(60)]
    import random

    for number in range(30):
        bench.put(random.Random(number).randbytes(40_000))
    from workbench.store.deletion import delete_in_batches

    with sqlite3.connect(bench.path) as db:
        seqs = [row[0] for row in db.execute("SELECT seq FROM exchanges ORDER BY seq")]
    delete_in_batches(bench.store, seqs[60:])
    with bench.store.exclusive() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = bench.path.stat().st_size
    done = compact(bench.store)
    assert bench.path.stat().st_size < before - 1_000_000
    assert done.freed_bytes == before - bench.path.stat().st_size
    assert verify(bench.store).sound
    assert bench.store.body(put[0].id, "request") == b"0" * 30_000


def test_compact_takes_unused_chunks_away(bench):
    """What another program left without a user goes, and only that."""
    put = fill(bench, 5)
    with sqlite3.connect(bench.path) as db:
        db.execute(
            "INSERT INTO chunks (hash, size, codec, kind, indexed, data) VALUES (x'00', 1, 0, 0, 0, x'41')"
        )
    assert compact(bench.store).unused_chunks == 1
    assert verify(bench.store).unused_chunks == 0
    assert bench.store.body(put[-1].id, "request")


def test_the_index_can_be_built_anew(bench):
    """A lost search index is made from the chunks."""
    put = fill(bench, 3)
    with sqlite3.connect(bench.path) as db:
        db.execute("INSERT INTO messages_fts (messages_fts) VALUES ('delete-all')")
    assert not verify(bench.store).sound
    rebuild_index(bench.store)
    assert verify(bench.store).sound
    assert [item.id for item in bench.store.exchanges("text:reply2").items] == [put[2].id]


def test_a_newer_schema_is_refused(bench):
    """A store of a later program is left alone, and the message says why."""
    with sqlite3.connect(bench.path) as db:
        db.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    for opening in (Reader, Store):
        with pytest.raises(StoreUnavailable, match="newer workbench"):
            opening.open(bench.path)


def test_an_older_schema_is_backed_up_and_migrated(bench):
    """Data is copied aside before its schema changes."""
    put = fill(bench, 3)
    body = bench.store.body(put[0].id, "request")
    later = (*MIGRATIONS, ("0099-more", ("CREATE TABLE more (id INTEGER PRIMARY KEY)",)))
    connection = connect_writer(bench.path)
    kept = migrations.migrate(connection, bench.path, later)
    assert kept is not None
    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(later)
    names = [name for name, _ in later]
    assert [row[0] for row in connection.execute("SELECT name FROM migrations ORDER BY name")] == names
    connection.close()
    with Reader.open(kept) as old:
        assert old.body(put[0].id, "request") == body


def test_who_migrates_at_the_same_time_makes_no_second_backup(bench, monkeypatch):
    """The other one is done while this one copies: what it copied is the new schema, and is dropped."""
    later = (*MIGRATIONS, ("0099-more", ("CREATE TABLE more (id INTEGER PRIMARY KEY)",)))
    first, second = connect_writer(bench.path), connect_writer(bench.path)
    real = migrations._version
    versions = iter([len(MIGRATIONS)])

    def seen(connection):
        """The second sees the old schema once, and the first is done before it looks again."""
        known = next(versions, None) if connection is second else None
        if known is None:
            return real(connection)
        migrations.migrate(first, bench.path, later)
        kept = bench.path.with_name(f"{bench.path.name}.schema-{len(MIGRATIONS)}.bak")
        kept.unlink()  # as if the first had not made its backup yet
        return known

    monkeypatch.setattr(migrations, "_version", seen)
    migrations.migrate(second, bench.path, later)
    assert [file.name for file in bench.path.parent.glob("*schema*")] == []
    assert real(second) == len(later)
    first.close()
    second.close()


def test_a_failing_migration_changes_nothing(bench):
    """Either all of a migration is there, or none of it."""
    later = (*MIGRATIONS, ("0099-bad", ("CREATE TABLE more (id INTEGER)", "CREATE TABLE more (id INTEGER)")))
    connection = connect_writer(bench.path)
    with pytest.raises(sqlite3.OperationalError):
        migrations.migrate(connection, bench.path, later)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    assert "more" not in {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()


def test_another_sqlite_file_is_not_touched(tmp_path):
    """Somebody else's database is refused, not migrated."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (id)")
    with pytest.raises(StoreUnavailable, match="not a workbench store"):
        Store.open(path)


def test_sql_answers_a_select(bench):
    """Columns and rows, up to the limit."""
    fill(bench, 5)
    found = query(bench.store, "SELECT id, request_bytes FROM exchanges ORDER BY seq", limit=3, deadline_s=5)
    assert (found.columns, len(found.rows), found.more) == (["id", "request_bytes"], 3, True)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM exchanges",
        "UPDATE exchanges SET note = 'x'",
        "PRAGMA journal_mode=DELETE",
        "ATTACH 'x.db' AS x",
        "SELECT 1; SELECT 2",
        "SELECT load_extension('x')",
        "BEGIN",
        "VACUUM INTO 'x.db'",
        "nonsense",
        "",
    ],
)
def test_sql_only_reads(bench, statement):
    """Whatever is not one SELECT is refused."""
    with pytest.raises(UsageError):
        query(bench.store, statement, limit=3, deadline_s=5)


def test_sql_ends_at_its_deadline(bench):
    """A question that never ends is stopped."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(QueryTimeout):
        query(bench.store, endless, limit=3, deadline_s=0.05)
