"""The whole road as a person walks it, without a terminal: each step stands on the ones before.

One home, one router process, the `openai` package as the client, the command line for everything else.
"""

from __future__ import annotations

import json
import random
import shutil
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.e2e.conftest import Cli, RouterProcess


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterProcess]:
    """The router that all steps share, on a home of its own."""
    process = RouterProcess(tmp_path_factory.mktemp("road") / "home")
    try:
        yield process.start()
    finally:
        process.stop()


class Client:
    """The openai package, with the bytes it sent and got."""

    def __init__(self, router: RouterProcess) -> None:
        self.sent: list[bytes] = []
        self._http = httpx.Client(event_hooks={"request": [self._keep]}, trust_env=False, timeout=60)
        base_url = f"{router.base_url}/v1"
        self.api = OpenAI(base_url=base_url, api_key=router.key, http_client=self._http, max_retries=0)

    def _keep(self, request: httpx.Request) -> None:
        self.sent.append(request.content)

    def ask(self, text: str, **fields: Any) -> tuple[str, bytes, bytes]:
        """Ask `demo`; return the exchange's id, the bytes that were sent and the bytes that came back."""
        create = self.api.chat.completions.with_streaming_response.create
        with create(model="demo", messages=[{"role": "user", "content": text}], **fields) as answer:
            body = b"".join(answer.iter_bytes())
            return answer.headers["x-workbench-exchange"], self.sent[-1], body

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def client(road: RouterProcess) -> Iterator[Client]:
    made = Client(road)
    yield made
    made.close()


def test_a_new_home_has_working_defaults_and_a_key_nobody_knows(road: RouterProcess) -> None:
    """Config, settings and a random key in a file that only its owner can read."""
    assert stat.S_IMODE((road.home / ".env").stat().st_mode) == 0o600
    assert len(road.key) >= 32
    assert (road.home / "infra" / "litellm" / "config.yaml").is_file()
    assert {"demo", "demo-flaky", "echo"} <= {model["name"] for model in road.cli.json("models")}


def test_without_a_terminal_the_headless_command_is_named(home: Path) -> None:
    """`workbench` alone needs a terminal: exit 2, and what to call instead."""
    done = Cli(home).run(exit_code=2)
    assert "workbench" in done.stderr
    assert done.stdout == ""


def test_plain_and_streamed_answers_are_recorded_byte_for_byte(road: RouterProcess, client: Client) -> None:
    """What the client sent and got is what the store gives back, and the list shows it at once."""
    for stream in (False, True):
        exchange, sent, got = client.ask("what is a slug?", stream=stream)
        assert road.cli.bytes("exchanges", "body", exchange, "request") == sent
        assert road.cli.bytes("exchanges", "body", exchange, "response") == got
        newest = road.cli.json("exchanges", "list", "--limit", "1")[0]
        assert (newest["id"], newest["stream"], newest["state"]) == (exchange, stream, "complete")
        shown = road.cli.json("exchanges", "show", exchange)
        assert shown["request_bytes"] == len(sent)
        assert shown["response_bytes"] == len(got)


def test_the_packages_own_objects_come_out(client: Client) -> None:
    """The openai package understands models, answers and streams."""
    assert {"demo", "echo"} <= {model.id for model in client.api.models.list()}
    answer = client.api.chat.completions.create(
        model="echo", messages=[{"role": "user", "content": "pineapple"}]
    )
    assert "pineapple" in (answer.choices[0].message.content or "")
    stream = client.api.chat.completions.create(
        model="echo", messages=[{"role": "user", "content": "pineapple"}], stream=True
    )
    words = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "".join(words) == answer.choices[0].message.content


def test_forty_at_once_are_all_answered_and_all_recorded(road: RouterProcess) -> None:
    """Plain and streamed ones from eight threads, byte for byte."""

    def many(worker: int) -> list[tuple[str, bytes, bytes]]:
        mine = Client(road)
        try:
            return [mine.ask(f"worker {worker} asks {n}", stream=bool(n % 2)) for n in range(5)]
        finally:
            mine.close()

    with ThreadPoolExecutor(8) as pool:
        asked = [one for some in pool.map(many, range(8)) for one in some]
    assert len({exchange for exchange, _, _ in asked}) == 40
    listed = {item["id"] for item in road.cli.json("exchanges", "list", 'text:"asks"', "--limit", "100")}
    assert {exchange for exchange, _, _ in asked} <= listed
    for exchange, sent, got in random.sample(asked, 6):
        assert road.cli.bytes("exchanges", "body", exchange, "request") == sent
        assert road.cli.bytes("exchanges", "body", exchange, "response") == got


def test_what_went_out_is_replayed_and_compared(road: RouterProcess, client: Client) -> None:
    """Live, on another model, and from the recording."""
    original, _, _ = client.ask("hello", stream=True)
    assert road.cli.json("replay", original)["verdict"] == "same"
    assert road.cli.json("replay", original, "--model", "echo")["verdict"] in ("similar", "different")
    assert road.cli.json("replay", original, "--playback")["verdict"] == "same"
    replays = road.cli.json("exchanges", "list", "is:replay", "--limit", "3")
    assert {item["replay_of"] for item in replays} == {original}


@pytest.mark.parametrize("model", ["demo", "demo-flaky"])
def test_generate_plans_writes_and_verifies(road: RouterProcess, model: str) -> None:
    """A library that passes its gates, at once or after a repair; its run is listed with steps and files."""
    word = random.choice(["invoice", "orchard", "harbour", "meadow"])
    run = road.cli.json(
        "generate", f"a slug library for {word} titles with tests", "--recipe", "python-lib", "--model", model,
        timeout=115,
    )  # fmt: skip
    assert run["status"] == "passed"
    shown = road.cli.json("runs", "show", run["id"])
    kinds = [step["kind"] for step in shown["steps"]] if isinstance(shown["steps"], list) else []
    assert ("repair" in kinds) == (model == "demo-flaky")
    folder = road.home / "artifacts" / "runs" / run["id"]
    for name in ("plan.json", "events.jsonl", "report.json", "junit.xml", "payloads", "gates"):
        assert (folder / name).exists(), name
    assert json.loads((folder / "report.json").read_text())["status"] == "passed"
    written = road.home / "apps" / "generated" / run["id"]
    assert any("assert" in path.read_text() for path in written.rglob("test_*.py"))
    found = road.cli.json("exchanges", "list", f"run:{run['id']}")
    assert len(found) == shown["exchanges"] > 1


def test_a_workflow_run_is_replayed_from_its_recording(road: RouterProcess) -> None:
    """Every exchange of the run, in order, the same as before."""
    run = next(run for run in road.cli.json("runs", "list") if run["kind"] == "workflow")
    results = road.cli.json("replay", run["id"], "--playback", "--fast", "--expect", "same")
    assert len(results) == run["exchanges"]


@pytest.mark.node
@pytest.mark.skipif(shutil.which("npm") is None, reason="Node is not installed")
@pytest.mark.timeout(600)
def test_a_generated_web_app_is_built_and_smoked(road: RouterProcess) -> None:
    """The brief's words are found in what the server sent; afterwards nothing listens."""
    run = road.cli.json(
        "generate", "a landing page for a bakery with a menu and opening hours", "--recipe", "vite-app",
        "--model", "demo", timeout=400,
    )  # fmt: skip
    assert run["status"] == "passed"
    road.cli.run("web-smoke", run["id"], timeout=300)


def test_prune_lists_before_it_deletes_and_pinned_things_stay(road: RouterProcess, client: Client) -> None:
    """The dry run changes nothing; the real one takes rows, run folders and generated apps together."""
    pinned, _, _ = client.ask("keep me")
    road.cli.run("exchanges", "pin", pinned)
    runs = [run["id"] for run in road.cli.json("runs", "list") if run["kind"] == "workflow"]
    before = road.cli.json("exchanges", "list", "--limit", "200")
    road.cli.run("prune", "--older-than", "0s", "--dry-run")
    assert road.cli.json("exchanges", "list", "--limit", "200") == before
    road.cli.run("prune", "--older-than", "0s")
    assert [item["id"] for item in road.cli.json("exchanges", "list")] == [pinned]
    for run in runs:
        assert not (road.home / "artifacts" / "runs" / run).exists()
        assert not (road.home / "apps" / "generated" / run).exists()
    road.cli.run("store", "verify")


def test_a_killed_router_comes_back_with_everything_it_promised(road: RouterProcess, client: Client) -> None:
    """After kill -9 the exchanges that a client saw complete are there."""
    asked = [client.ask(f"before the end {n}", stream=bool(n % 2))[0] for n in range(6)]
    road.kill()
    road.start()
    listed = {item["id"]: item["state"] for item in road.cli.json("exchanges", "list")}
    assert [listed.get(exchange) for exchange in asked] == ["complete"] * 6
