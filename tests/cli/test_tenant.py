"""`workbench tenant` and `profile`, with a running router."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from workbench.control.locate import read_router_file
from workbench.settings.home import Home


def ask(home_dir, key, model="demo"):
    """Send a chat request with a key; return the status."""
    file = read_router_file(Home(home_dir))
    assert file is not None
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{file.base_url}/v1/chat/completions", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_key_works_at_once_and_is_its_tenants(live, home_dir):
    """A running router takes a new key; what it asks is its tenant's; the operator's side is shut."""
    key = live("tenant", "key", "team-a", "--name", "laptop", "--json").json["key"]
    assert ask(home_dir, key) == 200
    assert ask(home_dir, key + "x") == 401
    newest = live("exchanges", "list", "--limit", "1", "--json").json[0]
    assert newest["tenant"] == "team-a"
    (row,) = [row for row in live("tenant", "list", "--json").json if row["name"] == "team-a"]
    assert (row["keys"], row["rpm_used"]) == (1, 1)
    file = read_router_file(Home(home_dir))
    request = urllib.request.Request(
        f"{file.base_url}/internal/status", headers={"Authorization": f"Bearer {key}"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    assert caught.value.code in {401, 403}


def test_limits_of_the_policy_hold(live, home_dir):
    """Models and rates that the policy file names are kept."""
    key = live("tenant", "key", "team-a", "--json").json["key"]
    policy = home_dir / "infra" / "litellm" / "models-policy.yaml"
    policy.write_text(
        policy.read_text().replace("team-a:\n", "team-a:\n    models: [demo]\n    rpm_limit: 2\n")
    )
    assert live("router", "reload").code == 0
    assert [ask(home_dir, key, model) for model in ("echo", "demo", "demo", "demo")] == [403, 200, 200, 429]


def test_tenants_are_listed_without_a_router(workbench, home_dir):
    """The policy file speaks for itself when no router runs; an unknown tenant is exit 2."""
    assert workbench("tenant", "list", "--json").json == []
    said = workbench("tenant", "key", "team-b", "--quiet")
    assert said.out.startswith("sk-wb-")
    assert said.err == ""
    assert [row["name"] for row in workbench("tenant", "list", "--json").json] == ["team-b"]
    assert workbench("tenant", "show", "nobody").code == 2
    assert workbench("tenant", "key", "no such name").code == 2


def test_profiles_are_shown_and_set(live, home_dir):
    """Profiles, one's own too, are listed; one that is set is in force; an unknown one names the nearest."""
    assert {row["name"] for row in live("profile", "list", "--json").json} >= {
        "reliability",
        "balanced",
        "cost",
    }
    policy = home_dir / "infra" / "litellm" / "models-policy.yaml"
    policy.write_text("profiles: {mine: {num_retries: 7}}\n")
    assert "mine" in [row["name"] for row in live("profile", "list", "--json").json]
    assert live("profile", "set", "cost").code == 0
    assert live("profile", "show", "--json").json == {"profile": "cost", "strategy": "cost-based-routing"}
    for wrong, hint in (("costs", "workbench profile set cost\n"), ("nope", "workbench profile list")):
        said = live("profile", "set", wrong)
        assert said.code == 2
        assert hint in said.err
