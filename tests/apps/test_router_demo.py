"""The demo client works from outside: one file, HTTP alone."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import RouterProcess, clean_environment

APP = Path(__file__).parents[2] / "apps" / "router-demo"


def demo(router: RouterProcess, *arguments: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the client as its README says."""
    argv = [sys.executable, "-I", str(APP / "router_demo.py"), "--url", router.base_url]
    done = subprocess.run(
        [*argv, "--env-file", str(router.home / ".env"), *arguments],
        capture_output=True, text=True, timeout=60, env=clean_environment(), check=False,
    )  # fmt: skip
    assert done.returncode == exit_code, done.stderr
    return done


def test_it_imports_nothing_but_the_standard_library() -> None:
    """It can be taken anywhere."""
    tree = ast.parse((APP / "router_demo.py").read_text())
    names = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    names |= {
        node.module.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert names <= set(sys.stdlib_module_names)


def test_models_chat_and_stream(router: RouterProcess) -> None:
    """The three calls of a client, each recorded."""
    assert {"demo", "echo"} <= set(demo(router, "models").stdout.split())
    chatted = demo(router, "chat", "ping", "--model", "echo")
    streamed = demo(router, "stream", "ping", "--model", "echo")
    assert chatted.stdout == streamed.stdout
    assert "ping" in chatted.stdout
    recorded = router.cli.json("exchanges", "list")
    assert [(item["id"], item["stream"]) for item in recorded] == [
        (streamed.stderr.split()[-1], True),
        (chatted.stderr.split()[-1], False),
    ]


def test_a_saved_payload_is_replayed(router: RouterProcess, tmp_path: Path) -> None:
    """What `exchanges save` wrote goes out again, on its own model and on another, and names its original."""
    original = router.chat("remember me", model="echo")
    file = tmp_path / "saved.json"
    router.cli.run("exchanges", "save", original, "--out", str(file))
    assert "remember me" in demo(router, "replay", str(file), "--of", original).stdout
    demo(router, "replay", str(file), "--model", "demo", "--model", "echo", "--of", original)
    replays = router.cli.json("exchanges", "list", "is:replay")
    assert [item["model"] for item in replays] == ["echo", "demo", "echo"]
    assert {item["replay_of"] for item in replays} == {original}


def test_a_bare_body_is_replayed_as_it_is(router: RouterProcess, tmp_path: Path) -> None:
    """A file with messages is a body; its bytes are not written anew."""
    file = tmp_path / "body.json"
    file.write_bytes(b'{ "model": "echo",  "messages": [{"role":"user","content":"caf\\u00e9"}] }')
    exchange = demo(router, "replay", str(file)).stderr.split()[-1]
    assert router.cli.bytes("exchanges", "body", exchange, "request") == file.read_bytes()


def test_the_shipped_payload_is_answered(router: RouterProcess) -> None:
    """The README's replay command works."""
    assert demo(router, "replay", str(APP / "payloads" / "hello.json")).stdout.strip()


@pytest.mark.parametrize(
    ("content", "problem"),
    [("[]", "object is needed"), ("{}", "neither"), ('{"version": 9}', "version 9"), ("{", "Expecting")],
)
def test_a_file_that_is_no_payload_says_so(tmp_path: Path, content: str, problem: str) -> None:
    """Exit 1 and one line, before any router is asked."""
    file = tmp_path / "broken.json"
    file.write_text(content)
    argv = [sys.executable, "-I", str(APP / "router_demo.py"), "replay", str(file)]
    done = subprocess.run(
        argv, capture_output=True, text=True, env=clean_environment(LITELLM_MASTER_KEY="k"), check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error:")
    assert problem in done.stderr


def test_an_unknown_model_shows_the_routers_words(router: RouterProcess, tmp_path: Path) -> None:
    """The router's message, nothing recorded as success."""
    file = tmp_path / "body.json"
    file.write_text(json.dumps({"model": "ecko", "messages": []}))
    assert "404" in demo(router, "replay", str(file), exit_code=1).stderr
