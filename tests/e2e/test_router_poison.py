"""An exchange that a bug keeps out of the store: whoever asks hears of it, and traffic goes on."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.conftest import RouterProcess
from tests.recording.test_poison import BUGS


def test_health_status_and_log_tell_of_what_was_set_aside(home: Path, tmp_path: Path):
    """The client is answered, the others are recorded, the file is named."""
    (tmp_path / "sitecustomize.py").write_text(BUGS)
    router = RouterProcess(home, PYTHONPATH=str(tmp_path)).start()
    try:
        body = {"model": "echo", "messages": [{"role": "user", "content": "hello"}]}
        status, headers, _ = router.post("/v1/chat/completions", body, X_Tenant_ID="raises")
        assert status == 200
        poison, good = headers["x-workbench-exchange"], router.chat()
        health = router.cli.json("health", exit_code=None)
        recorder = health["router"]["recorder"]
        assert (recorder["status"], recorder["refused"], recorder["unrecorded"]) == ("ok", 1, 1)
        (part,) = [part for part in health["parts"] if part["name"] == "recording"]
        assert (part["status"], health["status"]) == ("warn", "degraded")
        assert poison in part["detail"]
        assert "KeyError" in router.cli.run("router", "status").stdout
        assert [item["id"] for item in router.cli.json("exchanges", "list")] == [good]
    finally:
        router.stop()
    kept = home / "artifacts" / "unrecorded" / f"{poison}.jsonl"
    assert json.loads(kept.read_bytes())["status"] == 200
    assert str(kept) in (home / "logs" / "router.log").read_text()
    router.cli.run("import", str(kept))
    assert {item["id"] for item in router.cli.json("exchanges", "list")} == {poison, good}
