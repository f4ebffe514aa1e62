"""The litellm adapter over a real upstream: litellm itself, in its own thread."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.domain.conversation import answer
from workbench.providers.litellm import LitellmProvider, call_arguments
from workbench.providers.provider import Call, Deployment, ProviderFailure, Secret, Timeouts

CHAT = "/v1/chat/completions"
MOCK = Path(__file__).parents[2] / "scripts" / "mock_openai.py"
KEY = "sk-secret-0123456789"


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """Start the mock upstream."""
    process = subprocess.Popen([sys.executable, str(MOCK), "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().split()[-1]
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
async def provider() -> AsyncIterator[LitellmProvider]:
    """Give the adapter; stop its thread afterwards."""
    made = LitellmProvider()
    yield made
    await made.aclose()


def _call(base: str, body: dict[str, Any], endpoint: str = CHAT, **own: Any) -> Call:
    given: dict[str, Any] = {
        "provider": "openai",
        "model": "up",
        "api_base": f"{base}/v1",
        "api_key": Secret(KEY),
    }
    quick = Timeouts(total_s=20, between_s=10)
    deployment = Deployment(
        id="d", group="g", adapter="litellm", timeouts=quick, stream_timeouts=quick, **{**given, **own}
    )
    return Call(
        endpoint=endpoint,
        body=json.dumps({"model": "up", "messages": [{"role": "user", "content": "hi"}], **body}).encode(),
        headers=[],
        deployment=deployment,
        stream=bool(body.get("stream")),
        exchange_id="ex_1",
    )


async def _read(given: Any) -> bytes:
    return b"".join([chunk async for chunk in given.chunks])


def test_arguments_are_the_request_the_deployment_and_no_retries() -> None:
    """The client's members win over configured ones; litellm neither retries nor keeps a key of its own."""
    call = _call(
        "http://x", {"temperature": 0.5}, params={"temperature": 0.9, "api_version": "v"}, provider="azure"
    )
    got = call_arguments(call)
    assert (got["model"], got["temperature"], got["api_version"]) == ("azure/up", 0.5, "v")
    assert (got["num_retries"], got["max_retries"], got["api_key"]) == (0, 0, KEY)


@pytest.mark.parametrize("provider_name", ["github_copilot", "chatgpt"])
async def test_providers_that_would_start_a_login_are_refused(
    provider: LitellmProvider, provider_name: str
) -> None:
    """Without importing litellm."""
    with pytest.raises(ProviderFailure) as caught:
        await provider.send(_call("http://x", {}, provider=provider_name))
    assert "device login" in caught.value.message


@pytest.mark.slow
async def test_answers_failures_and_streams(provider: LitellmProvider, upstream: str) -> None:
    """Plain, streamed and embedded answers in OpenAI's form; errors with their status and without the key."""
    plain = await provider.send(_call(upstream, {}))
    assert answer(CHAT, await _read(plain), stream=False).text.startswith("the quick brown")
    options = {"stream": True, "stream_options": {"include_usage": True}}
    streamed = answer(CHAT, await _read(await provider.send(_call(upstream, options))), stream=True)
    assert streamed.complete
    assert streamed.text.startswith("the quick brown")
    assert streamed.usage.output_tokens
    vectors = await provider.send(_call(upstream, {"input": "x"}, "/v1/embeddings"))
    assert json.loads(await _read(vectors))["data"]
    for status in (401, 429, 500):
        failed = await provider.send(_call(upstream, {"extra_body": {"x_mock": {"status": status}}}))
        assert failed.status == status
        assert KEY.encode() not in await _read(failed)
    with pytest.raises(ProviderFailure) as caught:
        await provider.send(_call("http://127.0.0.1:9", {}))
    assert caught.value.kind in ("connect", "timeout")
