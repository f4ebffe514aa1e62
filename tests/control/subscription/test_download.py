"""Only what the release vouches for is installed; a real local server stands for the release page."""

from __future__ import annotations

import functools
import hashlib
import io
import stat
import tarfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from workbench.control.subscription.download import archive_name, download
from workbench.control.subscription.layout import VERSION
from workbench.domain.errors import CheckFailed, ToolUnavailable, UsageError

PROGRAM = b"#!/bin/sh\necho proxy\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def release(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address and folder of a release page that holds a good archive and its checksums."""
    folder = tmp_path / "releases" / f"v{VERSION}"
    folder.mkdir(parents=True)
    data = pack({"LICENSE": b"text", "cli-proxy-api-plus": PROGRAM})
    (folder / archive_name(VERSION)).write_bytes(data)
    (folder / "checksums.txt").write_text(f"{hashlib.sha256(data).hexdigest()}  {archive_name(VERSION)}\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder.parent)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()


def pack(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def test_a_verified_program_is_installed(layout, release):
    """The program is whole, executable by its owner only, and its progress was told."""
    steps = []
    done = download(layout, source=release[0], on_progress=lambda *step: steps.append(step))
    assert layout.program.read_bytes() == PROGRAM
    assert stat.S_IMODE(layout.program.stat().st_mode) == 0o700
    assert done.verified_by == "checksums.txt"
    assert steps[-1][0] == steps[-1][1]


def test_a_wrong_sum_installs_nothing(layout, release):
    """An archive that was changed after publication is refused; the old program stays."""
    before = layout.program.read_bytes()
    url, folder = release
    (folder / archive_name(VERSION)).write_bytes(pack({"cli-proxy-api-plus": b"evil"}))
    with pytest.raises(CheckFailed, match="is not what was published"):
        download(layout, source=url)
    assert layout.program.read_bytes() == before


def test_without_checksums_a_sum_must_be_given(layout, release):
    """Nothing vouches: refused. With the right --sha256 it is installed, with a wrong one it is not."""
    url, folder = release
    (folder / "checksums.txt").unlink()
    with pytest.raises(UsageError) as caught:
        download(layout, source=url)
    assert "--sha256" in (caught.value.hint or "")
    with pytest.raises(CheckFailed):
        download(layout, source=url, sha256="0" * 64)
    good = hashlib.sha256((folder / archive_name(VERSION)).read_bytes()).hexdigest()
    assert download(layout, source=url, sha256=good).verified_by == "--sha256"


def test_a_list_without_our_archive_is_refused(layout, release):
    """A checksum of another file vouches for nothing."""
    url, folder = release
    (folder / "checksums.txt").write_text(f"{'0' * 64}  other.tar.gz\n")
    with pytest.raises(UsageError, match="does not name"):
        download(layout, source=url)


@pytest.mark.parametrize("files", [{}, {"README": b"x"}], ids=["empty", "without the program"])
def test_an_archive_without_the_program_is_refused(layout, release, files):
    """A verified archive that holds no program installs nothing."""
    url, folder = release
    data = pack(files)
    (folder / archive_name(VERSION)).write_bytes(data)
    with pytest.raises(ToolUnavailable, match="holds no"):
        download(layout, source=url, sha256=hashlib.sha256(data).hexdigest())


def test_paths_in_the_archive_are_not_followed(layout, release, tmp_path):
    """An archive that names places outside still only gives its program to the one place."""
    url, folder = release
    data = pack({"../../../evil": b"evil", "a/../../cli-proxy-api-plus": PROGRAM})
    (folder / archive_name(VERSION)).write_bytes(data)
    before = set(tmp_path.rglob("*"))
    download(layout, source=url, sha256=hashlib.sha256(data).hexdigest())
    assert set(tmp_path.rglob("*")) == before
    assert layout.program.read_bytes() == PROGRAM


def test_plain_http_is_refused_off_this_machine(layout):
    """A mirror must be https."""
    with pytest.raises(UsageError, match="https"):
        download(layout, source="http://mirror.example/releases")


def test_unreachable_is_exit_5(layout):
    """No network: said, with the address."""
    with pytest.raises(ToolUnavailable) as caught:
        download(layout, source="http://127.0.0.1:9", sha256="0" * 64)
    assert caught.value.exit_code == 5


def test_archive_names_of_the_release():
    """Names follow the release's own scheme; an unknown machine is told."""
    assert archive_name("1.2", "linux", "x86_64") == "CLIProxyAPIPlus_1.2_linux_amd64.tar.gz"
    assert archive_name("1.2", "darwin", "arm64") == "CLIProxyAPIPlus_1.2_darwin_arm64.tar.gz"
    assert archive_name("1.2", "win32", "AMD64") == "CLIProxyAPIPlus_1.2_windows_amd64.zip"
    with pytest.raises(ToolUnavailable):
        archive_name("1.2", "sunos5", "sparc")
