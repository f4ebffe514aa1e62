"""The end of logs for people."""

from __future__ import annotations

from workbench.control.logtail import follow, readable, tail


def test_tail_reads_only_the_end(tmp_path):
    """The last lines come in order, across block borders; a missing file has none."""
    path = tmp_path / "log"
    path.write_text("".join(f"line {number} {'x' * 50}\n" for number in range(5000)))
    assert [line.split()[1] for line in tail(path, 3)] == ["4997", "4998", "4999"]
    assert len(tail(path, 4000)) == 4000
    assert tail(path, 0) == []
    assert tail(tmp_path / "none", 5) == []


def test_json_lines_become_readable_and_safe():
    """Time, level, message, then the extras; escape sequences are shown, other lines stay."""
    line = '{"at":"2026-01-01T00:00:00.000Z","level":"info","logger":"w","message":"hi \\u001b[31m","port":4}'
    assert readable(line) == "2026-01-01T00:00:00.000Z info    hi \\x1b[31m  port=4"
    assert readable("plain") == "plain"


def test_follow_survives_rotation(tmp_path):
    """Lines added, and those of a new file in its place, are yielded once each; half lines wait."""
    path = tmp_path / "log"
    path.write_text("old\n")
    script = iter(
        [
            lambda: path.open("a").write("one\ntw"),
            lambda: path.open("a").write("o\n"),
            lambda: (path.rename(tmp_path / "log.1"), path.write_text("three\n")),
        ]
    )

    def poll():
        action = next(script, None)
        if action is None:
            return False
        action()
        return True

    assert list(follow(path, start=4, poll=poll)) == ["one", "two", "three"]
