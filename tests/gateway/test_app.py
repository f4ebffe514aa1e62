"""The HTTP application, endpoint by endpoint, over a real router, recorder and store."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256

import pytest

from tests.gateway.builders import Door, OpenDoor
from workbench.store.store import Reader

SENTENCES = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "hello"}]},
    "/v1/completions": {"prompt": "hello"},
    "/v1/embeddings": {"input": "hello"},
    "/v1/responses": {"input": "hello"},
    "/v1/messages": {"max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]},
    "/v1/messages/count_tokens": {"messages": [{"role": "user", "content": "hello"}]},
}


def recorded(door: Door, exchange_id: str):
    with Reader.open(door.runtime.home.store) as reader:
        return (
            reader.exchange(exchange_id),
            reader.body(exchange_id, "request"),
            reader.body(exchange_id, "response"),
        )


async def test_anybody_may_ask_whether_it_lives(door: Door):
    """The open pages name no model and no upstream."""
    door.client.headers.clear()
    health = (await door.client.get("/health")).json()
    assert health["status"] == "ok"
    assert health["instance"] == door.runtime.instance
    assert health["recorder"]["status"] == "ok"
    assert "echo" not in json.dumps(health)
    assert (await door.client.get("/healthz")).text == "ok\n"
    assert (await door.client.get("/readyz")).json() == {"ready": True, "reason": None}
    assert "/v1/messages" in (await door.client.get("/")).json()["endpoints"]


async def test_whoever_has_the_master_key_is_told_of_each_deployment(door: Door):
    """Liveness, readiness, recorder, uptime, and how every deployment stands."""
    health = (await door.client.get("/health")).json()
    assert (health["live"], health["ready"], health["recorder"]["status"]) == (True, True, "ok")
    (echo,) = [entry for entry in health["deployments"] if entry["group"] == "echo"]
    assert (echo["enabled"], echo["state"], echo["requests"]) == (True, "closed", 0)


async def test_a_model_behind_a_wildcard_is_found_by_its_name(open_door: OpenDoor):
    """Clients ask for the model they are about to use; what a request would reach is there."""
    config = """
model_list:
  - model_name: "any/*"
    litellm_params: {model: "openai/*", api_base: "http://127.0.0.1:9/v1", api_key: none}
"""
    async with open_door(config) as door:
        found = await door.client.get("/v1/models/any/gpt-5")
        assert (found.status_code, found.json()["id"]) == (200, "any/gpt-5")
        assert (await door.client.get("/v1/models/other/gpt-5")).status_code == 404


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/echo", "/internal/status", "/internal/events"])
async def test_everything_else_wants_the_key(door: Door, path: str):
    """401 in OpenAI's shape, and a counter that goes up."""
    answer = await door.client.get(path, headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert door.gateway.metrics.registry.get_sample_value("workbench_unauthorized_total") == 1


@pytest.mark.parametrize("path", sorted(SENTENCES))
async def test_a_model_call_without_the_key_is_refused_and_not_recorded(door: Door, path: str):
    """The refusal is in the endpoint's dialect; nothing of its body is kept."""
    answer = await door.client.post(path, json=SENTENCES[path], headers={"Authorization": "Bearer no"})
    assert answer.status_code == 401
    assert ("request_id" in answer.json()) is path.startswith("/v1/messages")
    assert "x-workbench-exchange" not in answer.headers
    with Reader.open(door.runtime.home.store) as reader:
        assert reader.exchanges().items == []


@pytest.mark.parametrize("prefix", ["", "/v1"])
@pytest.mark.parametrize("path", sorted(SENTENCES))
async def test_each_endpoint_answers_and_is_recorded_byte_for_byte(door: Door, path: str, prefix: str):
    """With and without /v1, query string and all."""
    body = json.dumps({"model": "echo", **SENTENCES[path]}).encode()
    answer = await door.client.post(prefix + path.removeprefix("/v1") + "?beta=true", content=body)
    assert answer.status_code == 200, answer.text
    exchange, request, response = recorded(door, answer.headers["x-workbench-exchange"])
    assert (exchange.endpoint, exchange.model, exchange.status, exchange.state) == (
        path,
        "echo",
        200,
        "complete",
    )
    assert (request, response) == (body, answer.content)


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("/v1/chat/completions", b"data: [DONE]\n\n"),
        ("/v1/completions", b"data: [DONE]\n\n"),
        ("/v1/responses", b"response.completed"),
        ("/v1/messages", b"message_stop"),
    ],
)
async def test_a_stream_ends_with_its_terminal_event_and_is_recorded_with_its_writes(
    door: Door, path: str, end: bytes
):
    """The record has every write's length, and their sum is the body."""
    answer = await door.client.post(path, json={"model": "echo", "stream": True, **SENTENCES[path]})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert end in answer.content.strip().split(b"\n\n")[-1] + b"\n\n"
    exchange_id = answer.headers["x-workbench-exchange"]
    exchange, _, response = recorded(door, exchange_id)
    assert exchange.stream
    assert response == answer.content
    with Reader.open(door.runtime.home.store) as reader:
        writes = reader.writes(exchange_id)
    assert sum(write.length for write in writes) == len(response)
    assert [write.at_us for write in writes] == sorted(write.at_us for write in writes)


async def test_an_answer_says_who_gave_it(door: Door):
    """Exchange, deployment, attempts, cache and request id stand in the headers."""
    answer = await door.client.post(
        "/v1/chat/completions",
        json={"model": "echo", **SENTENCES["/v1/chat/completions"]},
        headers={"X-Request-ID": "mine"},
    )
    assert answer.headers["x-workbench-exchange"].startswith("ex_")
    assert answer.headers["x-workbench-deployment"] == "echo:builtin"
    assert answer.headers["x-workbench-attempts"] == "1"
    assert answer.headers["x-workbench-cache"] == "off"
    assert answer.headers["x-request-id"] == "mine"


async def test_what_the_client_says_about_a_request_is_in_its_record(door: Door):
    """Tenant, run, step, tags, client and request id."""
    answer = await door.client.post(
        "/v1/chat/completions",
        json={"model": "echo", **SENTENCES["/v1/chat/completions"]},
        headers={
            "X-Tenant-ID": "acme",
            "X-Workbench-Run": "run_01m7wp0m590cdgkpta",
            "X-Workbench-Step": "plan",
            "X-Workbench-Tags": "one, two,,one",
            "X-Request-ID": "req-7",
            "User-Agent": "a-client/1.0",
        },
    )
    exchange, _, _ = recorded(door, answer.headers["x-workbench-exchange"])
    assert exchange.tenant == "acme"
    assert exchange.run == "run_01m7wp0m590cdgkpta"
    assert exchange.step == "plan"
    assert exchange.tags == ("one", "two")
    assert exchange.client == "a-client/1.0"
    assert exchange.request_id == "req-7"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b'{"model": "echo", "messages": "hi"}', 422, "invalid_request"),
        (b'{"model": "ecko", "messages": []}', 404, "model_not_found"),
    ],
)
async def test_a_refused_request_is_an_exchange_too(door: Door, body: bytes, status: int, code: str):
    """What a client did wrong can be looked at afterwards, with the answer it got."""
    answer = await door.client.post("/v1/chat/completions", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    exchange, request, response = recorded(door, answer.headers["x-workbench-exchange"])
    assert (exchange.status, exchange.error_code, exchange.state) == (status, code, "complete")
    assert (request, response) == (body, answer.content)
    assert answer.json()["error"]["exchange_id"] == exchange.id


async def test_an_unknown_model_is_answered_with_the_nearest_names(door: Door):
    """On a call and in the list."""
    assert "echo" in (await door.chat("ecko")).json()["error"]["near"]
    answer = await door.client.get("/v1/models/ecko")
    assert answer.status_code == 404
    assert "echo" in answer.json()["error"]["near"]


async def test_models_are_listed_for_both_kinds_of_clients(door: Door):
    """OpenAI's and Anthropic's members stand side by side."""
    models = (await door.client.get("/models")).json()
    assert {"demo", "demo-flaky", "echo"} <= {entry["id"] for entry in models["data"]}
    assert models["first_id"] == models["data"][0]["id"]
    one = (await door.client.get("/v1/models/echo")).json()
    assert (one["object"], one["type"], one["display_name"]) == ("model", "model", "echo")


async def test_a_request_without_model_goes_to_the_default_group(open_door: OpenDoor):
    """`router.default_model` names it."""
    async with open_door(default_model="echo") as door:
        answer = await door.client.post("/v1/chat/completions", json=SENTENCES["/v1/chat/completions"])
        assert answer.status_code == 200
        assert recorded(door, answer.headers["x-workbench-exchange"])[0].model == "echo"


async def test_a_request_without_model_and_default_is_400(door: Door):
    """The answer says what is missing."""
    answer = await door.client.post("/v1/chat/completions", json=SENTENCES["/v1/chat/completions"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "model_required")


async def test_a_body_over_the_limit_is_413(open_door: OpenDoor):
    """The limit is a setting; the refusal is recorded."""
    async with open_door(max_body_mb=0.001) as door:
        answer = await door.chat(text="x" * 2000)
        assert answer.status_code == 413
        assert recorded(door, answer.headers["x-workbench-exchange"])[0].status == 413


async def test_a_compressed_body_is_refused_by_name(door: Door):
    """415 says what is wrong, which "not JSON" would not."""
    body = gzip.compress(b'{"model": "echo", "messages": []}')
    answer = await door.client.post(
        "/v1/chat/completions", content=body, headers={"Content-Encoding": "gzip"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_encoding")


async def test_other_methods_and_places_are_told_so(door: Door):
    """405 with Allow, 404 with our error shape."""
    answer = await door.client.get("/v1/chat/completions")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = await door.client.get("/v1/nowhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_a_router_that_drains_refuses_with_retry_after(door: Door):
    """503, retryable, and /readyz says why."""
    assert await door.gateway.drain(1)
    answer = await door.chat()
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "shutting_down"
    assert answer.json()["error"]["retryable"] is True
    assert int(answer.headers["retry-after"]) >= 1
    ready = await door.client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)


async def test_a_store_that_can_not_be_written_degrades_health_and_serves_on(open_door: OpenDoor, tmp_path):
    """Clients get their answers, and health says what is lost."""
    (tmp_path / "home" / "artifacts" / "workbench.db").mkdir(parents=True)
    async with open_door() as door:
        assert (await door.chat()).status_code == 200
        health = (await door.client.get("/health")).json()
        assert health["status"] == "degraded"
        assert health["recorder"]["error"]


async def test_required_recording_refuses_while_the_store_can_not_be_written(open_door: OpenDoor, tmp_path):
    """503 rather than an exchange that nobody will ever see."""
    (tmp_path / "home" / "artifacts" / "workbench.db").mkdir(parents=True)
    async with open_door(required=True) as door:
        answer = await door.chat()
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "recording_unavailable")


async def test_status_and_metrics_are_for_the_operator(door: Door):
    """Deployments with their state, counters in Prometheus's format."""
    await door.chat()
    status = (await door.client.get("/internal/status")).json()
    assert "echo" in {group["name"] for group in status["groups"]}
    text = (await door.client.get("/internal/metrics")).text
    assert (
        'workbench_requests_total{endpoint="/v1/chat/completions",model="echo",state="complete",status="200"}'
        in text
    )
    assert 'workbench_attempts_total{deployment="echo:builtin",outcome="ok",provider="echo"} 1.0' in text


async def test_reload_takes_a_good_file_and_keeps_the_old_config_for_a_bad_one(door: Door):
    """A typo names its place and changes nothing."""
    config = door.runtime.home.config
    good = config.read_text()
    config.write_text(
        good + "model_list:\n  - model_name: new\n    litellm_params: {model: openai/x, api_key: k}\n"
    )
    assert (await door.client.post("/internal/reload")).status_code == 200
    assert (await door.client.get("/v1/models/new")).status_code == 200
    config.write_text("model_list: [}")
    answer = await door.client.post("/internal/reload")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_configuration")
    assert str(config) in answer.json()["error"]["message"]
    assert (await door.client.get("/v1/models/new")).status_code == 200


TENANT_KEY = "sk-acme-0123456789abcdef"
POLICY = f"""
tenants:
  acme:
    models: [echo]
    keys: [{{sha256: {sha256(TENANT_KEY.encode()).hexdigest()}}}]
"""


async def test_a_tenants_key_opens_its_models_and_nothing_else(open_door: OpenDoor, tmp_path):
    """It lists and asks what the policy allows, pays as its tenant, and is no operator."""
    policy = tmp_path / "home" / "infra" / "litellm" / "models-policy.yaml"
    policy.parent.mkdir(parents=True)
    policy.write_text(POLICY)
    async with open_door() as door:
        door.client.headers["Authorization"] = f"Bearer {TENANT_KEY}"
        listed = (await door.client.get("/v1/models")).json()["data"]
        assert [entry["id"] for entry in listed] == ["echo"]
        answer = await door.chat()
        assert recorded(door, answer.headers["x-workbench-exchange"])[0].tenant == "acme"
        assert (await door.chat("demo")).status_code == 403
        assert (await door.client.get("/internal/status")).status_code == 403
        body = {"model": "echo", **SENTENCES["/v1/chat/completions"]}
        answer = await door.client.post("/v1/chat/completions", json=body, headers={"X-Tenant-ID": "other"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "tenant_mismatch")


async def test_a_profile_can_be_put_in_force(door: Door):
    """By name; an unknown one is refused with a hint."""
    assert (await door.client.post("/internal/profile", json={"profile": "cost"})).status_code == 200
    status = (await door.client.get("/internal/status")).json()
    assert (status["profile"], status["strategy"]) == ("cost", "cost-based-routing")
    answer = await door.client.post("/internal/profile", json={"profile": "cots"})
    assert answer.status_code == 422
    assert "cost" in answer.json()["error"]["hint"]
    assert (await door.client.post("/internal/profile", content=b"?")).status_code == 422


async def test_the_published_document_describes_what_is_taken(door: Door):
    """Every model endpoint, its body's schema, both ways to send the key."""
    document = (await door.client.get("/openapi.json", headers={"Authorization": ""})).json()
    assert set(SENTENCES) <= set(document["paths"])
    reference = document["paths"]["/v1/chat/completions"]["post"]["requestBody"]["content"][
        "application/json"
    ]
    schema = document["components"]["schemas"][reference["schema"]["$ref"].rsplit("/", 1)[1]]
    assert schema["required"] == ["messages"]
    assert set(document["components"]["securitySchemes"]) == {"bearer", "x-api-key"}
