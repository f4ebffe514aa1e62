"""The router's log file."""

import json
import logging
from pathlib import Path

from workbench.telemetry import logs

LOG = logging.getLogger("workbench.test")


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_is_json_with_its_extras(tmp_path: Path):
    """Time, level, logger, message and what was given besides."""
    path = tmp_path / "logs" / "router.log"
    handler = logs.open_log(path)
    LOG.info("listening on %d", 4000, extra={"instance": "abc", "path": tmp_path})
    logs.close_log(handler)
    (line,) = lines(path)
    assert line.pop("at")
    assert line == {
        "level": "info",
        "logger": "workbench.test",
        "message": "listening on 4000",
        "instance": "abc",
        "path": str(tmp_path),
    }


def test_an_exception_comes_with_its_traceback_on_one_line(tmp_path: Path):
    """A bug can be understood from the log alone."""
    handler = logs.open_log(tmp_path / "router.log")
    try:
        raise ValueError("odd\nthing")
    except ValueError:
        LOG.exception("it failed")
    logs.close_log(handler)
    (line,) = lines(tmp_path / "router.log")
    assert "ValueError: odd\nthing" in str(line["traceback"])


def test_the_file_is_rotated_by_size(tmp_path: Path, monkeypatch):
    """Old lines move to numbered files, and there are never more than kept."""
    monkeypatch.setattr(logs, "MAX_BYTES", 2_000)
    monkeypatch.setattr(logs, "KEPT_FILES", 2)
    handler = logs.open_log(tmp_path / "router.log")
    for number in range(200):
        LOG.info("line %d", number)
    logs.close_log(handler)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["router.log", "router.log.1", "router.log.2"]
    assert lines(tmp_path / "router.log")[-1]["message"] == "line 199"


def test_a_flood_is_cut_and_counted(tmp_path: Path, monkeypatch):
    """Lines beyond what may wait are dropped, and the log says how many."""
    monkeypatch.setattr(logs, "MAX_PENDING", 10)
    monkeypatch.setattr(logs, "_WAIT_S", 60)
    handler = logs.open_log(tmp_path / "router.log")
    for number in range(25):
        LOG.info("line %d", number)
    logs.close_log(handler)
    messages = [line["message"] for line in lines(tmp_path / "router.log")]
    assert messages[0] == "15 log lines were dropped"
    assert len(messages) == 11


def test_a_folder_that_can_not_be_written_is_no_reason_not_to_start(tmp_path: Path):
    """The router runs without a log rather than not at all."""
    (tmp_path / "logs").write_text("a file where the folder should be")
    assert logs.open_log(tmp_path / "logs" / "router.log") is None
    logs.close_log(None)


def test_a_closed_log_leaves_the_loggers_as_they_were(tmp_path: Path, caplog):
    """Whoever listens to them elsewhere hears them again."""
    for name in (logs.ROOT, "uvicorn.error"):
        logging.getLogger(name).propagate = True
    handler = logs.open_log(tmp_path / "router.log")
    logging.getLogger("workbench.x").error("into the file")
    logs.close_log(handler)
    logging.getLogger("workbench.x").error("to everybody")
    assert [record.message for record in caplog.records] == ["to everybody"]
    assert logging.getLogger(logs.ROOT).level == logging.NOTSET
