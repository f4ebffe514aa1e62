"""Secrets are found by their shapes; what only looks like one is left alone."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.redaction import (
    PERSONAL,
    SECRETS,
    find,
    find_streamed,
    redact,
    redact_headers,
    replace,
)

A = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA"
SAMPLES = {
    "openai_key": ["sk-" + A, "sk-proj-" + A, "sk-svcacct-" + A],
    "anthropic_key": ["sk-ant-api03-" + A],
    "openrouter_key": ["sk-or-v1-" + A],
    "workbench_key": ["sk-wb-" + A],
    "aws_key": ["AKIAQ3EGZ4RTYB7PLMND", "ASIAQ3EGZ4RTYB7PLMND"],
    "google_key": ["AIza" + A + "abc"],
    "google_token": ["ya29." + A],
    "github_token": ["ghp_" + A + "abcd", "github_pat_" + A],
    "gitlab_token": ["glpat-" + A],
    "slack_token": ["xoxb-" + "1234567890-" + A],
    "huggingface_token": ["hf_" + A + "ab"],
    "groq_key": ["gsk_" + A],
    "xai_key": ["xai-" + A],
    "perplexity_key": ["pplx-" + A],
    "nvidia_key": ["nvapi-" + A],
    "replicate_token": ["r8_" + A],
    "npm_token": ["npm_" + A + "abcd"],
    "pypi_token": ["pypi-AgE" + A + A],
    "sendgrid_key": ["SG." + A + "." + A],
    "stripe_key": ["sk_live_" + A, "rk_test_" + A],
    "jwt": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + A],
    "private_key": ["-----BEGIN RSA PRIVATE KEY-----\\nMIIabc\\n-----END RSA PRIVATE KEY-----"],
}


@pytest.mark.parametrize(
    ("name", "secret"), [(name, one) for name, several in SAMPLES.items() for one in several]
)
def test_known_shapes_are_replaced(name, secret):
    """In a JSON string, in the middle of words, and as all there is."""
    for around in ('{{"content": "use {} here"}}', "key={}", "{}"):
        clean, names = redact(around.format(secret).encode())
        assert clean == around.format(f"[redacted:{name}]").encode()
        assert names == (name,)


def test_every_pattern_has_a_sample():
    """No pattern goes untested."""
    assert {pattern.name for pattern in SECRETS} == set(SAMPLES)


@pytest.mark.parametrize(
    "text",
    [
        "CHANGE_ME", "sk-your-api-key-goes-here-0000", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx", "sk-...",
        "task-force-one-two-three-four",
        "risk-aversion-in-large-language-models-2026", "AKIAIOSFODNN7EXAMPLE", "the sk-learn library",
        "eyJ is how a token begins",
        "hf_model", "npm_config_registry=https://x", "-----BEGIN CERTIFICATE-----", "", "chatcmpl-" + A,
    ],
)  # fmt: skip
def test_placeholders_and_words_stay(text):
    """What documentation prints is no secret."""
    assert redact(text.encode()) == (text.encode(), ())


def test_json_stays_json():
    """What stands in the place of a secret is safe inside a string."""
    body = json.dumps(
        {"messages": [{"content": f"a {one}"} for several in SAMPLES.values() for one in several]}
    )
    clean, names = redact(body.encode())
    assert set(names) == set(SAMPLES)
    assert len(json.loads(clean)["messages"]) == sum(map(len, SAMPLES.values()))


@given(st.binary(max_size=300))
def test_other_bytes_are_left_alone(data):
    """Any bytes: never an error, and without a finding never a change."""
    spans = find(data)
    assert replace(data, spans) == (data if not spans else replace(data, spans))
    assert redact(data)[0] == replace(data, spans)


@given(
    st.lists(st.sampled_from([one for several in SAMPLES.values() for one in several]), max_size=4),
    st.text(string.ascii_lowercase + " ", max_size=20),
)
def test_none_survives_among_words(secrets, words):
    """However many there are, and whatever stands between them."""
    text = f" {words} ".join(secrets)
    clean, _ = redact(text.encode())
    assert not any(secret.encode() in clean for secret in secrets)


@pytest.mark.parametrize("step", [1, 3, 7, 100])
def test_a_secret_cut_over_events_is_found(step):
    """A model that repeats a key streams it in pieces; what is stored holds none of them."""
    secret = SAMPLES["openai_key"][1]
    text = f"your key is {secret}, keep it"
    events = [
        json.dumps({"choices": [{"delta": {"content": text[n : n + step]}}]})
        for n in range(0, len(text), step)
    ]
    data = b"".join(f"data: {event}\n\n".encode() for event in events) + b"data: [DONE]\n\n"
    spans = find_streamed(data)
    assert {span.name for span in spans} == {"openai_key"}
    lines = replace(data, spans).decode().split("\n\n")
    stored = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
    assert (
        "".join(item["choices"][0]["delta"]["content"] for item in stored)
        == "your key is [redacted:openai_key], keep it"
    )
    assert len(stored) == len(events)


@given(
    st.lists(
        st.sampled_from([one for several in SAMPLES.values() for one in several])
        | st.text(string.ascii_letters + string.digits + "_-. ", max_size=12),
        max_size=6,
    ),
    st.sampled_from(["", " ", "-", '"', "_", "x"]),
)
def test_looking_for_literals_first_misses_nothing(pieces, between):
    """What is found with the fast look first is what the expressions alone find."""
    data = between.join(pieces).encode()
    slow = [
        (match.start(), match.end(), pattern.name)
        for pattern in SECRETS
        for match in pattern.expression.finditer(data)
        if pattern.check is None or pattern.check(match[0])
    ]
    found = {(span.start, span.end, span.name) for span in find(data)}
    assert found <= set(slow)
    assert all(any(start < last and first < end for first, last, _ in found) for start, end, _ in slow)


def test_headers_lose_their_secrets():
    """By name, keeping the scheme; and by shape in any other."""
    headers = [
        ("Authorization", "Bearer abc"),
        ("x-api-key", "k"),
        ("Cookie", "a=b"),
        ("X-Note", f"see sk-{A}"),
        ("Accept", "*/*"),
    ]
    clean, names = redact_headers(headers)
    assert clean == [
        ("Authorization", "Bearer [redacted]"), ("x-api-key", "[redacted]"), ("Cookie", "[redacted]"),
        ("X-Note", "see [redacted:openai_key]"), ("Accept", "*/*"),
    ]  # fmt: skip
    assert names == ("authorization", "x-api-key", "cookie", "x-note")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("email", "jane.doe+x@mail.example.co.uk"), ("phone", "+41 79 123 45 67"),
        ("iban", "DE89 3704 0044 0532 0130 00"), ("card", "4111 1111 1111 1111"), ("card", "378282246310005"),
        ("ip", "192.168.10.1"), ("ip", "2001:db8::8a2e:370:7334"),
    ],
)  # fmt: skip
def test_personal_data_is_found_when_asked_for(name, text):
    """The second set is for tenants that want it; by default it is not used."""
    assert redact(f"it is {text} ok".encode(), PERSONAL) == (f"it is [redacted:{name}] ok".encode(), (name,))
    assert redact(f"it is {text} ok".encode()) == (f"it is {text} ok".encode(), ())


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "DE88 3704 0044 0532 0130 00",
        "999.1.1.1",
        "1.2.3",
        "a @ b",
        "12:30:45",
        "v1.2.3.4.5",
    ],
)
def test_numbers_that_do_not_add_up_are_no_personal_data(text):
    """Checksums decide."""
    assert redact(text.encode(), PERSONAL)[1] == ()
