"""`workbench bench` measures through the router and leaves a run behind."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import MockUpstream, RouterProcess


def test_models_are_measured_side_by_side(mock_router: RouterProcess, upstream: MockUpstream) -> None:
    """Every request is recorded, tagged and in one run; a slow upstream shows."""
    upstream.behave(latency_ms=80, usage="always")
    report = mock_router.cli.json("bench", "-m", "mock", "-m", "echo", "-r", "5", "-c", "2")
    slow, quick = report["models"]
    assert (slow["model"], slow["requests"], slow["failed"]) == ("mock", 5, 0)
    assert slow["latency_p50_ms"] >= 80
    assert (quick["requests"], quick["failed"]) == (5, 0)
    assert slow["output_tokens"] > 0
    found = mock_router.cli.json("exchanges", "list", f"run:{report['run']} tag:bench")
    assert sorted(item["model"] for item in found) == ["echo"] * 5 + ["mock"] * 5
    assert mock_router.cli.json("runs", "show", report["run"])["status"] == "passed"


def test_failures_are_counted_and_shown(
    mock_router: RouterProcess, upstream: MockUpstream, tmp_path: Path
) -> None:
    """No answer at all is exit 1 with the first failure's words."""
    upstream.behave(status=400)
    file = tmp_path / "ask.json"
    file.write_text('{"model": "x", "messages": [{"role": "user", "content": "hi"}]}')
    done = mock_router.cli.run("bench", str(file), "-m", "mock", "-r", "2", exit_code=1)
    assert "status 400" in done.stderr


def test_an_unknown_model_is_refused_before_anything_is_sent(router: RouterProcess) -> None:
    """Exit 2, the names there are, and no run is left behind."""
    done = router.cli.run("bench", "-m", "ecko", exit_code=2)
    assert "echo" in done.stderr
    assert router.cli.json("runs", "list") == []
