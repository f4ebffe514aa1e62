"""`workbench store`, `prune`, `export` and `import`, as they are typed."""

from __future__ import annotations

import json

import pytest

from workbench.cli.main import run

from .conftest import START_US, user


@pytest.fixture
def workbench(home, capfd):
    """Call as ``workbench("store", "stats")``; returns exit code, stdout, stderr."""

    def call(*argv):
        capfd.readouterr()
        code = run(["--home", str(home.root), *argv])
        return (code, *capfd.readouterr())

    return call


@pytest.fixture
def filled(bench):
    """Three exchanges of long ago, one of them pinned."""
    put = [bench.chat([user(f"number {n}")], f"answer {n}", started_at=START_US + n) for n in range(3)]
    bench.store.set_pinned(put[0].id, True)
    return put


def test_stats_shows_what_uses_the_space(workbench, filled):
    """A table and a bar picture for people, numbers for programs."""
    code, out, _ = workbench("store", "stats")
    assert code == 0
    assert "exchanges" in out
    assert "█" in out
    data = json.loads(workbench("store", "stats", "--json")[1])
    assert data["exchanges"] == 3
    assert {item["name"] for item in data["space"]} >= {"bodies", "search", "exchanges"}


def test_verify_is_silent_about_a_sound_store_and_exits_1_for_damage(workbench, filled, bench):
    """The hurt exchange is named; --json has the same."""
    assert workbench("store", "verify")[0] == 0
    with bench.store.exclusive() as connection:
        connection.execute(
            "UPDATE chunks SET data = zeroblob(length(data)) WHERE id = (SELECT max(id) FROM chunks)"
        )
    code, out, err = workbench("store", "verify")
    assert code == 1
    assert filled[2].id in out
    assert "salvage" in err
    data = json.loads(workbench("store", "verify", "--json")[1])
    assert (data["ok"], list(data["damaged"])) == (False, [filled[2].id])


def test_prune_shows_before_it_deletes(workbench, filled, bench):
    """--dry-run deletes nothing; without it the unpinned go."""
    code, out, _ = workbench("prune", "--older-than", "1d", "--dry-run", "--json")
    assert (code, json.loads(out)["exchanges"]) == (0, 2)
    assert len(bench.store.exchanges().items) == 3
    code, out, _ = workbench("prune", "--older-than", "1d", "--json")
    assert json.loads(out)["result"]["exchanges"] == 2
    assert [item.id for item in bench.store.exchanges().items] == [filled[0].id]


@pytest.mark.parametrize("argv", [("--older-than", "soon"), ("--max-size", "big"), ("--keep-runs", "-1")])
def test_prune_refuses_what_it_can_t_read(workbench, filled, argv):
    """Exit 2, and how it is written."""
    code, _, err = workbench("prune", *argv)
    assert code == 2
    assert argv[0] in err


@pytest.mark.parametrize("ending", ["cassette", "jsonl", "har"])
def test_export_and_import(workbench, filled, tmp_path, ending):
    """A file out of one home, into another; a second import changes nothing."""
    file = tmp_path / f"traffic.{ending}"
    code, out, _ = workbench("export", str(file), "!is:pinned", "--json")
    assert (code, json.loads(out)["exchanges"]) == (0, 2)
    other = tmp_path / "other"
    assert run(["--home", str(other), "import", str(file)]) == 0
    code, out, _ = workbench("import", str(file), "--json")
    assert (json.loads(out)["exchanges"], json.loads(out)["known"]) == (0, 2)


def test_export_to_stdout_is_nothing_but_data(workbench, filled):
    """JSON lines for a pipe."""
    code, out, _ = workbench("export", "-", "--format", "jsonl", "--limit", "2")
    assert code == 0
    assert [json.loads(line)["answer"] for line in out.splitlines()] == ["answer 2", "answer 1"]


def test_import_of_something_else_is_explained(workbench, filled, tmp_path):
    """Exit 2, with the file's name."""
    file = tmp_path / "notes.cassette"
    file.write_text("not a cassette")
    code, _, err = workbench("import", str(file))
    assert code == 2
    assert "notes.cassette" in err


def test_backup_compact_and_sql(workbench, filled, tmp_path):
    """The remaining verbs, once each."""
    target = tmp_path / "copy.db"
    assert workbench("store", "backup", str(target))[0] == 0
    assert target.stat().st_size > 0
    assert workbench("store", "backup", str(target))[0] == 2
    assert json.loads(workbench("store", "compact", "--full", "--json")[1])["unused_chunks"] == 0
    code, out, _ = workbench("store", "sql", "SELECT count(*) AS n FROM exchanges", "--json")
    assert json.loads(out) == [{"n": 3}]
    code, _, err = workbench("store", "sql", "DELETE FROM exchanges")
    assert code == 2
    assert "reading" in err
    saved = json.loads(workbench("store", "salvage", str(tmp_path / "saved.db"), "--json")[1])
    assert (saved["exchanges"], saved["damaged"]) == (3, {})


def test_runs_list_takes_a_filter_and_points_at_its_fault(workbench, bench):
    """The same words as in the terminal app; what is wrong is shown under its place."""
    bench.chat([user("about slugs")], session="one")
    bench.chat([user("about trees")], session="two")
    assert ["one"] == [run["name"] for run in json.loads(workbench("runs", "list", "slugs", "--json")[1])]
    assert [] == json.loads(workbench("runs", "list", "kind:session", "state:open", "--json")[1])
    code, _, err = workbench("runs", "list", "stat:open")
    assert code == 2
    assert "did you mean state:" in err
