"""Signing in, against the stand-in proxy's management interface."""

from __future__ import annotations

import pytest

from workbench.control.subscription import process
from workbench.control.subscription.login import log_in
from workbench.domain.errors import CheckFailed, ToolUnavailable


def test_codex_signs_in_with_an_address(layout):
    """The address is shown, the end is awaited, the new account's file is named."""
    process.start(layout)
    prompts = []
    assert log_in(layout, "codex", prompts.append, poll_s=0.01) == "codex-me.json"
    assert [(prompt.url, prompt.code) for prompt in prompts] == [("https://auth.example/codex", None)]


def test_copilot_signs_in_with_a_code(layout):
    """Address and code are shown."""
    process.start(layout)
    prompts = []
    assert log_in(layout, "copilot", prompts.append, poll_s=0.01) == "github-copilot-me.json"
    assert [(prompt.url, prompt.code) for prompt in prompts] == [
        ("https://github.example/device", "ABCD-1234")
    ]


def test_a_later_code_is_shown_too(layout):
    """When the proxy asks for a device code in between, it is shown once."""
    (layout.folder / "script").write_text("device")
    process.start(layout)
    prompts = []
    log_in(layout, "codex", prompts.append, poll_s=0.01)
    assert [(prompt.url, prompt.code) for prompt in prompts[1:]] == [("https://d.example", "WXYZ-9")]


def test_a_refusal_is_told(layout):
    """The provider's reason is in the error."""
    (layout.folder / "script").write_text("refuse")
    process.start(layout)
    with pytest.raises(CheckFailed, match="access denied"):
        log_in(layout, "codex", lambda _: None, poll_s=0.01)


def test_ok_without_an_account_is_no_sign_in(layout):
    """The proxy answers ok for a sign-in that it has forgotten: only a new account file counts."""
    (layout.folder / "script").write_text("forget")
    process.start(layout)
    (layout.auth / "codex-old.json").write_text('{"type": "codex"}')
    with pytest.raises(CheckFailed, match="without an account"):
        log_in(layout, "codex", lambda _: None, poll_s=0.01)


def test_nobody_signing_in_ends(layout):
    """Waiting has an end."""
    process.start(layout)
    with pytest.raises(CheckFailed, match="nobody signed in"):
        log_in(layout, "codex", lambda _: None, poll_s=0.01, timeout_s=0.0)


def test_a_proxy_that_is_down_is_told(layout):
    """Exit 5 with the command that starts it."""
    with pytest.raises(ToolUnavailable) as caught:
        log_in(layout, "codex", lambda _: None)
    assert caught.value.hint == "workbench auth start"
