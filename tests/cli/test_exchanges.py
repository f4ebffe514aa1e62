"""`workbench exchanges`: what was recorded, listed, shown, taken out, marked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from tests.cli.conftest import ANSWER, REQUEST
from workbench.domain.exchange import Attempt
from workbench.domain.payload import load

PROMISED = [
    *(
        "id",
        "started_at",
        "endpoint",
        "model",
        "deployment",
        "provider",
        "status",
        "state",
        "stream",
        "cache",
    ),
    *("input_tokens", "output_tokens", "cost_usd", "latency_ms", "ttft_ms", "attempts", "run", "session"),
    *("tenant", "replay_of", "tags", "pinned", "redacted", "request_bytes", "response_bytes"),
]
"""The names that other programs rely on."""


def test_a_new_home_has_an_empty_list(workbench):
    """Nothing recorded is an empty array for scripts and a word for people, not an error."""
    assert workbench("exchanges", "list", "--json").json == []
    said = workbench("exchanges", "list")
    assert (said.code, said.out, said.err) == (0, "", "nothing is recorded yet\n")


def test_list_is_newest_first_and_has_the_names_of_the_design(workbench, record):
    """Each item has at least the promised names; the limit and `--before` walk down the list."""
    ids = [record(started_at=1_700_000_000_000_000 + number) for number in range(5)]
    listed = workbench("exchanges", "list", "--json", "--limit", "2").json
    assert [item["id"] for item in listed] == ids[:2:-1]
    assert [item["id"] for item in workbench("exchanges", "list", "--json", "--before", ids[3]).json] == ids[
        2::-1
    ]
    assert set(PROMISED) <= set(listed[0])
    assert listed[0]["started_at"].endswith("Z")
    assert (listed[0]["input_tokens"], listed[0]["output_tokens"], listed[0]["state"]) == (9, 3, "complete")


def test_list_takes_a_filter(workbench, record):
    """Several words make one filter; nothing found is said."""
    good, bad = record(), record(status=500, model="other", error="upstream broke")
    assert [
        item["id"] for item in workbench("exchanges", "list", "status:>=400", "model:other", "--json").json
    ] == [bad]
    assert [item["id"] for item in workbench("exchanges", "list", "!model:other", "--json").json] == [good]
    assert workbench("exchanges", "list", "model:nobody").err == "no exchange matches\n"


def test_a_wrong_filter_points_at_the_fault(workbench, record):
    """A filter that does not parse is exit 2, with a caret below the place and the nearest key."""
    record()
    said = workbench("exchanges", "list", "modle:demo")
    assert said.code == 2
    lines = said.err.splitlines()
    assert lines[0].startswith("error: ")
    assert "modle:demo" in lines
    assert any(set(line) <= {" ", "^"} and "^" in line for line in lines)
    assert "model" in said.err.replace("modle", "")


def test_show_reads_as_a_chat_with_its_facts(workbench, record):
    """Facts, the messages, the answer and each attempt, in that order."""
    attempt = Attempt(
        number=1, deployment="d1", provider="demo", model="m", started_at=1, status=200, reason="only one"
    )
    record(attempt=attempt)
    said = workbench("exchanges", "show", "last")
    assert said.code == 0
    places = [
        said.out.index(text)
        for text in (
            "/v1/chat/completions",
            "── user",
            "Tagus",
            "── assistant (answer)",
            "In Lisbon.",
            "only one",
        )
    ]
    assert places == sorted(places)
    assert "9 in, 3 out" in said.out


def test_show_as_json_is_the_exchange_and_more(workbench, record):
    """The public names stay at the top; attempts, headers and messages are beside them."""
    exchange_id = record()
    data = workbench("exchanges", "show", exchange_id[:-2], "--json").json
    assert (data["id"], data["attempts"]) == (exchange_id, 0)
    assert data["messages"][0]["parts"][0]["text"] == "Where is the Tagus?"
    assert data["answer"][0]["parts"][0]["text"] == "In Lisbon."
    assert data["request_headers"] == [["content-type", "application/json"]]


def test_hostile_answers_cannot_act_on_the_terminal(workbench, record):
    """Escape sequences in an answer are shown literally by `show` and `list`, and kept by `body`."""
    hostile = ANSWER.replace(b"In Lisbon.", b"\\u001b]52;c;aGk=\\u0007\\u001b[2J\\u202e")
    record(response=hostile, error="bad \x1b[31m thing", status=500)
    for command in (("show", "last"), ("list",), ("show", "last", "--json"), ("list", "--json")):
        said = workbench("exchanges", *command)
        assert said.code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(said.out)
    assert workbench("exchanges", "body", "last", "response").out.encode() == hostile


@pytest.mark.parametrize(
    "body", [b"\x00\xff\xfe not text \r\n", b"", b'{"a": 1}\n'], ids=["binary", "empty", "json"]
)
def test_body_is_exact(record, home_dir, body):
    """The bytes on stdout are the bytes of the wire, nothing added, whatever they are."""
    exchange_id = record(request=body, response=body[::-1])
    for side, expected in (("request", body), ("response", body[::-1])):
        argv = [
            sys.executable,
            "-m",
            "workbench",
            "--home",
            str(home_dir),
            "exchanges",
            "body",
            exchange_id,
            side,
        ]
        done = subprocess.run(argv, capture_output=True, timeout=60, check=True)
        assert done.stdout == expected


def test_save_writes_a_payload_that_loads(workbench, record, tmp_path):
    """The file holds endpoint and body, never a secret; an existing file is kept unless forced."""
    record(
        headers=[
            ("content-type", "application/json"),
            ("authorization", "Bearer sk-abcdefghijklmnopqrstuvwx"),
        ]
    )
    out = tmp_path / "saved.json"
    assert workbench("exchanges", "save", "last", "--out", str(out)).code == 0
    payload = load(out.read_bytes())
    assert (payload.endpoint, payload.body) == ("/v1/chat/completions", REQUEST)
    assert "sk-abc" not in out.read_text()
    again = workbench("exchanges", "save", "last", "--out", str(out))
    assert again.code == 2
    assert "--force" in again.err
    assert workbench("exchanges", "save", "last").out.encode() == out.read_bytes()


class _Echo(BaseHTTPRequestHandler):
    """Keeps what it was sent."""

    seen: ClassVar[list[tuple[str, str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers["Authorization"], body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"fine")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":[{"role":"user","content":"it\'s `$HOME` \\"quoted\\" \\\\ !"}]}',
        b'{"messages":[{"role":"user","content":"' + b"long " * 30_000 + b'"}]}',
        b"\xff\x00 not text",
    ],
    ids=["quotes", "long", "binary"],
)
def test_curl_sends_the_very_bytes_again(workbench, record, home_dir, monkeypatch, body):
    """What `curl` prints, pasted into a shell, sends the same body with the key from the environment."""
    server = HTTPServer(("127.0.0.1", 0), _Echo)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("WORKBENCH_PORT", str(server.server_port))
    _Echo.seen.clear()
    record(request=body)
    said = workbench("exchanges", "curl", "last")
    bin_ = Path(sys.executable).parent
    environ = {**os.environ, "LITELLM_MASTER_KEY": "sk-from-env", "PATH": f"{bin_}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", said.out], capture_output=True, timeout=60, check=False, env=environ)
    server.shutdown()
    assert done.stdout == b"fine", done.stderr
    assert _Echo.seen == [("/v1/chat/completions", "Bearer sk-from-env", body)]


def test_curl_shows_no_key(workbench, record, home_dir):
    """The printed command reads the key from the environment; the home's key is not in it."""
    record()
    key = (home_dir / ".env").read_text().rpartition("=")[2].strip()
    said = workbench("exchanges", "curl", "last")
    assert key not in said.out + said.err
    assert "$LITELLM_MASTER_KEY" in said.out


def test_tags_notes_and_pins_are_kept(workbench, record):
    """Marks are set, shown, filtered by, and taken off again."""
    exchange_id = record()
    assert workbench("exchanges", "tag", "last", "good", "v2", "--json").json["tags"] == ["good", "v2"]
    assert workbench("exchanges", "note", "last", "wrong currency", "--json").json["note"] == "wrong currency"
    assert workbench("exchanges", "pin", "last", "--json").json[0]["pinned"] is True
    found = workbench("exchanges", "list", "tag:good is:pinned has:note", "--json").json
    assert [item["id"] for item in found] == [exchange_id]
    assert workbench("exchanges", "tag", "last", "good", "--remove", "--json").json["tags"] == ["v2"]
    assert workbench("exchanges", "note", "last", "--clear", "--json").json["note"] is None
    assert workbench("exchanges", "unpin", exchange_id, "--json").json[0]["pinned"] is False
    assert workbench("exchanges", "note", "last").code == 2


@pytest.mark.parametrize(
    "command", [("show",), ("body", "response"), ("save",), ("curl",), ("tag", "x"), ("pin",)]
)
def test_an_unknown_id_is_exit_2(workbench, record, command):
    """No such id is a usage error that names it, for every verb, and changes nothing."""
    record()
    said = workbench("exchanges", command[0], "ex_zzzz", *command[1:])
    assert said.code == 2
    assert "ex_zzzz" in said.err


def test_an_ambiguous_prefix_names_the_matches(workbench, record):
    """A prefix of several ids is refused with some of them."""
    common = record()[:6]
    assert record().startswith(common)
    said = workbench("exchanges", "show", common)
    assert said.code == 2
    assert "matches several" in said.err


def test_pinning_several_is_all_or_nothing(workbench, record):
    """One unknown id among several leaves all as they were."""
    exchange_id = record()
    assert workbench("exchanges", "pin", exchange_id, "ex_zzzz").code == 2
    assert workbench("exchanges", "show", exchange_id, "--json").json["pinned"] is False


def test_a_corrupt_store_is_said_and_left_alone(workbench, record, home_dir):
    """A damaged file is exit 5 with a hint; it is not replaced."""
    record()
    store = home_dir / "artifacts" / "workbench.db"
    for name in (store.with_name("workbench.db-wal"), store.with_name("workbench.db-shm")):
        name.unlink(missing_ok=True)
    store.write_bytes(b"this is no database" * 400)
    said = workbench("exchanges", "list")
    assert said.code == 5
    assert str(store) in said.err
    assert store.read_bytes().startswith(b"this is no database")


def test_quiet_says_nothing_but_data(workbench, record):
    """`--quiet` leaves stdout alone and drops the talk."""
    record()
    said = workbench("exchanges", "tag", "last", "x", "--quiet")
    assert (said.out, said.err) == ("", "")
    assert json.loads(workbench("exchanges", "list", "--quiet", "--json").out)
