"""Wire pass-through: addresses, keys, headers, and facts about providers as data."""

from __future__ import annotations

import pytest

from workbench.providers.provider import ANTHROPIC_ENDPOINTS, Call, Deployment, ProviderFailure, Secret
from workbench.providers.wire import WireProvider, endpoint_url, request_headers
from workbench.providers.wire_table import known_providers, wire_providers


@pytest.mark.parametrize(
    ("base", "endpoint", "url"),
    [
        ("https://api.openai.com/v1", "/v1/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "/v1/responses", "https://api.openai.com/v1/responses"),
        ("https://api.groq.com/openai/v1", "/v1/embeddings", "https://api.groq.com/openai/v1/embeddings"),
        ("https://api.deepseek.com/beta", "/v1/completions", "https://api.deepseek.com/beta/completions"),
        ("https://api.anthropic.com", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://proxy/v1", "/v1/messages/count_tokens", "https://proxy/v1/messages/count_tokens"),
        ("https://x/api/chat/completions", "/v1/chat/completions", "https://x/api/chat/completions"),
    ],
)
def test_addresses(base: str, endpoint: str, url: str) -> None:
    """A base with or without its version, and a base that is the whole address."""
    assert str(endpoint_url(base, endpoint)) == url


def test_the_clients_query_goes_along() -> None:
    """Claude Code's ?beta=true."""
    assert str(endpoint_url("https://a", "/v1/messages", "beta=true")) == "https://a/v1/messages?beta=true"


def _headers(deployment: Deployment, *, stream: bool = False) -> dict[str, str]:
    call = Call(
        endpoint=min(deployment.endpoints),
        body=b"{}",
        headers=[("User-Agent", "me")],
        deployment=deployment,
        stream=stream,
        exchange_id="ex_1",
    )
    return {name.lower(): value for name, value in request_headers(call).items()}


def test_openai_and_anthropic_carry_their_keys_differently() -> None:
    """Bearer; x-api-key with a version; Anthropic's OAuth tokens are bearers."""
    openai = Deployment(id="o", group="g", provider="openai", model="m", api_key=Secret("sk-1"))
    got = _headers(openai, stream=True)
    assert (got["authorization"], got["accept"], got["accept-encoding"]) == (
        "Bearer sk-1",
        "text/event-stream",
        "identity",
    )
    anthropic = Deployment(
        id="a",
        group="g",
        provider="anthropic",
        model="m",
        api_key=Secret("sk-ant-1"),
        endpoints=ANTHROPIC_ENDPOINTS,
        wire={"auth": "x-api-key"},
    )
    got = _headers(anthropic)
    assert (got["x-api-key"], got["anthropic-version"]) == ("sk-ant-1", "2023-06-01")
    assert "authorization" not in got


def test_a_key_is_never_in_a_repr() -> None:
    """Neither the secret's nor the deployment's."""
    deployment = Deployment(
        id="o",
        group="g",
        provider="openai",
        model="m",
        api_key=Secret("sk-hidden"),
        headers=[("X-Key", "sk-hidden")],
        params={"aws_secret": "sk-hidden"},
    )
    assert "sk-hidden" not in f"{deployment!r} {deployment.api_key!r} {[deployment]}"


async def test_a_base_with_a_password_is_never_shown() -> None:
    """Neither in the failure's message nor in its address."""
    provider = WireProvider()
    deployment = Deployment(
        id="o", group="g", provider="openai", model="m", api_base="http://me:secret@127.0.0.1:9/v1"
    )
    call = Call(
        endpoint="/v1/chat/completions",
        body=b"{}",
        headers=[],
        deployment=deployment,
        stream=False,
        exchange_id="ex_1",
    )
    with pytest.raises(ProviderFailure) as caught:
        await provider.send(call)
    await provider.aclose()
    assert "secret" not in f"{caught.value} {caught.value.url}"
    assert caught.value.kind == "connect"


def test_the_table_of_providers() -> None:
    """Every row has an address, says that it needs one, or goes through litellm; keys have names."""
    for prefix, facts in wire_providers().items():
        assert prefix in known_providers()
        assert facts.adapter in ("wire", "litellm")
        assert facts.api_base is None or facts.api_base.startswith(
            ("https://", "http://localhost", "http://127.0.0.1")
        )
        assert all(name == name.upper() for name in facts.key_env)
    groq = wire_providers()["groq"]
    assert (groq.api_base, groq.key_env) == ("https://api.groq.com/openai/v1", ("GROQ_API_KEY",))
    assert wire_providers()["mistral"].rename == {"max_completion_tokens": "max_tokens"}
    assert wire_providers()["anthropic"].endpoints == ANTHROPIC_ENDPOINTS
