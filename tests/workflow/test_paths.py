"""Hostile paths and half-written files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.workflow import paths
from workbench.workflow.paths import (
    PathRefused,
    check_path,
    drop_half_written,
    read_inside,
    write_atomic,
    write_inside,
)

HOSTILE = [
    "",
    " ",
    "/etc/passwd",
    "~/x",
    "../x",
    "a/../../x",
    "a/./b",
    "a//b",
    "a/",
    "./a",
    "a\x00b",
    "a\nb",
    "a\\b",
    "..\\x",
    "C:\\x",
    "c:x",
    "\\\\server\\share",
    "CON",
    "src/nul.txt",
    "com1.py",
    "x" * 300,
    "a/" * 120 + "b",
    ".git/config",
    "src/.GIT/hooks/pre-commit",
    "node_modules/react/index.js",
    "a./b",
    "a /b",
    "a\u202eb",
    "a\ud800b",
    "a|b",
    "file:///x",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_paths_are_refused(path: str, tmp_path: Path) -> None:
    """Nothing that could leave the folder, fool a person or break another system is taken."""
    with pytest.raises(PathRefused):
        write_inside(tmp_path, path, b"x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "path", ["a.py", "src/a/b.py", "app/[id]/page.tsx", ".github/x.yml", "öl/ß.md", "a b.txt"]
)
def test_plain_paths_are_taken(path: str, tmp_path: Path) -> None:
    """What real projects use works, letters of any language included."""
    write_inside(tmp_path, path, b"x")
    assert (tmp_path / path).read_bytes() == b"x"


@given(st.text(max_size=60))
def test_what_is_taken_stays_inside(path: str) -> None:
    """Whatever the text: it is refused, or it names a place below the folder."""
    try:
        check_path(path)
    except PathRefused:
        return
    root = Path("/root-of-app")
    assert Path(os.path.normpath(root / path)).is_relative_to(root)
    assert os.path.normpath(root / path) != str(root)


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A linked folder or file on the way is refused and its target untouched."""
    root, outside = tmp_path / "app", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "f.txt").write_text("theirs")
    (root / "dir").symlink_to(outside)
    (root / "link.txt").symlink_to(outside / "f.txt")
    for path in ("dir/f.txt", "dir/new.txt", "link.txt"):
        with pytest.raises(PathRefused):
            write_inside(root, path, b"ours")
        assert read_inside(root, path) is None
    assert [file.name for file in outside.iterdir()] == ["f.txt"]
    assert (outside / "f.txt").read_text() == "theirs"


def test_a_folder_or_pipe_in_the_place_is_refused(tmp_path: Path) -> None:
    """Only a plain file is replaced."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for path in ("folder", "pipe"):
        with pytest.raises(PathRefused):
            write_inside(tmp_path, path, b"x")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """A second write replaces the first and leaves nothing beside it; a hard link to the old one keeps it."""
    write_inside(tmp_path, "a.txt", b"first")
    (tmp_path / "b.txt").hardlink_to(tmp_path / "a.txt")
    write_inside(tmp_path, "a.txt", b"second")
    assert (tmp_path / "a.txt").read_bytes() == b"second"
    assert (tmp_path / "b.txt").read_bytes() == b"first"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_a_failed_write_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails before the rename, the old file stands and no temporary one is left."""
    write_inside(tmp_path, "a.txt", b"old")

    def fails(handle: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="disk full"):
        write_inside(tmp_path, "a.txt", b"new")
    assert (tmp_path / "a.txt").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_our_own_files_are_written_whole(tmp_path: Path) -> None:
    """`write_atomic` replaces a file in one step."""
    write_atomic(tmp_path / "s.json", b"1")
    write_atomic(tmp_path / "s.json", b"2")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"s.json": b"2"}


@pytest.mark.parametrize(
    "write",
    [
        lambda root: write_inside(root, "src/a.py", b"new"),
        lambda root: write_atomic(root / "src" / "a.py", b"new"),
    ],
)
def test_what_a_killed_writer_left_is_dropped(tmp_path, monkeypatch, write):
    """Its temporary file goes; the file before it, and names that only look alike, stay."""
    write_inside(tmp_path, "src/a.py", b"old")
    kept = ["src/.env.tmp", "src/x.12345678.tmp", "src/.a.py.1234567g.tmp", ".git/.a.12345678.tmp"]
    for name in kept:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"mine")

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(paths.os, "rename", killed)
    monkeypatch.setattr(paths.os, "unlink", killed)
    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path)
    monkeypatch.undo()
    assert len(list((tmp_path / "src").iterdir())) == 5
    drop_half_written(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"src/a.py", *kept}
    assert (tmp_path / "src" / "a.py").read_bytes() == b"old"
