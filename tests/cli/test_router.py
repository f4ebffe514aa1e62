"""`workbench router`, `models`, `health` and `events`, with a real router process."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

from workbench.control.locate import read_router_file
from workbench.settings.home import Home


def chat(home_dir, text="hello"):
    """Send one request to the home's router, as any client would."""
    file = read_router_file(Home(home_dir))
    assert file is not None
    key = (home_dir / ".env").read_text().rpartition("=")[2].strip()
    body = json.dumps({"model": "demo", "messages": [{"role": "user", "content": text}]}).encode()
    request = urllib.request.Request(
        f"{file.base_url}/v1/chat/completions",
        data=body,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return reply.headers["x-workbench-exchange"]


def test_start_status_restart_stop(workbench, home_dir):
    """The life of a router: each command says what it did, as text and as JSON."""
    started = workbench("router", "start", "--port", "0", "--json").json
    assert started["started"] is True
    assert started["base_url"].endswith(str(started["port"]))
    again = workbench("router", "start", "--json").json
    assert (again["started"], again["pid"]) == (False, started["pid"])
    status = workbench("router", "status", "--json").json
    assert (status["state"], status["instance"]) == ("ready", started["instance"])
    assert "demo" in [group["name"] for group in status["groups"]]
    restarted = workbench("router", "restart", "--json").json
    assert restarted["port"] == started["port"]
    assert restarted["pid"] != started["pid"]
    assert workbench("router", "stop", "--json").json == {"stopped": True}
    assert workbench("router", "stop", "--json").json == {"stopped": False}


def test_a_router_that_is_down_is_exit_6(workbench):
    """Status, health and reload say it is down and how to start it; data on stdout stays JSON."""
    for command in (("router", "status"), ("router", "health"), ("router", "reload"), ("health",)):
        said = workbench(*command)
        assert said.code == 6
        assert "router start" in said.err
    assert workbench("router", "status", "--json").json["state"] == "absent"


def test_no_start_leaves_the_router_down(workbench, home_dir):
    """`--no-start` is exit 6 with the command that starts it, and starts nothing."""
    said = workbench("models", "--no-start")
    assert said.code == 6
    assert f"hint: workbench --home {home_dir} router start" in said.err
    assert workbench("router", "status").code == 6


def test_status_and_models_for_people(live):
    """The tables name groups, deployments and why one is off; the key is nowhere."""
    status = live("router", "status").out
    assert "demo:builtin" in status
    assert "OPENAI_API_KEY is not set" in status
    assert "sk-wb-" not in status
    models = live("models").out
    assert "demo" in models
    assert "deepseek" not in models
    assert "disabled" in live("models", "--all").out
    entry = next(model for model in live("models", "--json").json if model["id"] == "echo")
    assert (entry["state"], entry["providers"]) == ("ok", ["echo"])


def test_health_is_ok_with_a_router(live):
    """All parts are fine: exit 0; with --quiet nothing is printed."""
    assert live("health", "--json").json["status"] == "ok"
    said = live("health", "--quiet")
    assert (said.code, said.out, said.err) == (0, "", "")


def test_router_health_names_every_deployment(live):
    """Ready or not, and for each deployment whether it may be asked, or why not."""
    health = live("router", "health", "--json").json
    assert (health["status"], health["ready"]) == ("ok", True)
    assert {"ok"} == {state for name, state in health["deployments"].items() if name.startswith("echo")}
    asked = live("router", "health", "--probe", "--json").json["deployments"]
    assert asked.keys() == health["deployments"].keys()


def test_reload_takes_a_good_config_and_refuses_a_bad_one(live, home_dir):
    """A new group appears after a reload; a bad file is refused with file and reason, the old one stays."""
    config = home_dir / "infra" / "litellm" / "config.yaml"
    config.write_text(
        "model_list:\n"
        "  - model_name: mine\n"
        "    litellm_params: {model: openai/x, api_base: 'http://127.0.0.1:9/v1', api_key: none}\n"
    )
    assert live("router", "reload").code == 0
    assert "mine" in [model["id"] for model in live("models", "--json").json]
    config.write_text("model_list: [oops\n")
    said = live("router", "reload")
    assert said.code != 0
    assert "config.yaml" in said.err
    assert "mine" in [model["id"] for model in live("models", "--json").json]


def test_logs_are_readable_lines(live):
    """The log's end for people; as JSON with --json."""
    live("router", "stop")  # the log is written a moment later, and whole when it is closed
    assert "listening" in live("router", "logs").out
    lines = live("router", "logs", "--json", "-n", "1").out.splitlines()
    assert len(lines) == 1
    assert "message" in json.loads(lines[0])


def test_events_follow_live_traffic(live, home_dir):
    """`events --json` prints one line for each finished exchange as it happens."""
    argv = [sys.executable, "-m", "workbench", "--home", str(home_dir), "events", "--json", "--count", "2"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("connected")
    ids = [chat(home_dir, "one"), chat(home_dir, "two")]
    out, _ = process.communicate(timeout=30)
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events] == ["finished", "finished"]
    assert [event["exchange"]["id"] for event in events] == ids


def test_what_went_through_is_listed(live, home_dir):
    """An exchange sent by any client shows in `exchanges list` as soon as the client has its answer."""
    sent = chat(home_dir, "Which river flows through Porto?")
    listed = live("exchanges", "list", "text:Porto", "--json").json
    assert [item["id"] for item in listed] == [sent]


def test_serve_refuses_a_taken_port(workbench, home_dir):
    """`router serve` fails with 2 when its port is taken, naming the way out."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        said = workbench("router", "serve", "--port", str(other.getsockname()[1]))
    assert said.code == 2
    assert "is taken" in said.err
    assert "router start" in said.err


def test_doctor_says_what_to_mend(workbench, home_dir):
    """A readable .env, a weak key and a config with a fault: exit 1, each with its mend."""
    assert workbench("config", "show", "--quiet").code == 0
    assert workbench("doctor").code == 0
    (home_dir / ".env").write_text("LITELLM_MASTER_KEY=sk-1234\n")
    (home_dir / ".env").chmod(0o644)
    (home_dir / "workbench.yaml").write_text("router:\n  prot: 1\n")
    (home_dir / "infra" / "litellm" / "config.yaml").write_text("model_lists: []\nrouter_settings: 7\n")
    said = workbench("doctor", "--json")
    assert said.code == 1
    checks = {check["name"]: check for check in said.json}
    assert {name for name, check in checks.items() if check["status"] == "bad"} == {
        "env file",
        "master key",
        "settings",
        "router config",
    }
    assert checks["env file"]["fix"] == f"chmod 600 {home_dir / '.env'}"
    assert "port" in checks["settings"]["fix"]
    assert all(check["fix"] for check in checks.values() if check["status"] == "bad")
