"""Drawn keys are found, typed ones are not."""

from __future__ import annotations

import secrets
import uuid
from pathlib import Path

import pytest

from workbench.control.home import new_key
from workbench.control.secret_scan import looks_random, scan

TYPED = [
    "sk-environment-0123456789",
    "sk-abcdefghijklmnopqrstuvwx",
    "sk-wb-this-is-a-test-key-of-the-tests",
    "sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "sk-proj-" + "A1b2" * 8,
]


@pytest.mark.parametrize("key", TYPED)
def test_typed_keys_are_not_taken_for_secrets(key):
    """What a person types into a test or a document."""
    assert not looks_random(key.encode())


def test_drawn_keys_are_found_whatever_was_drawn():
    """Of 300 keys of three kinds nearly all are seen: a scanner that misses one in fifty is worth having."""
    drawn = [
        key
        for _ in range(100)
        for key in (new_key(), "sk-proj-" + secrets.token_urlsafe(36), "sk-" + uuid.uuid4().hex)
    ]
    assert sum(looks_random(key.encode()) for key in drawn) >= 294


def test_a_file_names_line_and_kind(tmp_path):
    """Line numbers count from one; an allowed line and a binary file are passed over."""
    key = "gh" + "p_" + "Zx9Kq2Lm8Vb4Nc7Rt1Yp5Wd3Sf6Gh0JkQe"
    path = tmp_path / "file.py"
    path.write_text(f"x = 1\ntoken = '{key}'\nother = '{key}'  # pragma: allowlist secret\n")
    assert [(found.line, found.kind) for found in scan(path, every=False)] == [(2, "github_token")]
    for body, count in (("MIIabc", 0), (secrets.token_urlsafe(120), 1)):
        path.write_text(f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
        assert len(scan(path, every=False)) == count
    path.write_bytes(b"\0" + key.encode())
    assert scan(path, every=True) == []


def test_this_repository_is_clean():
    """No file of ours holds what looks like a drawn key."""
    root = Path(__file__).parents[2]
    folders = ("workbench", "tests", "docs", "scripts", "apps/router-demo", "infra")
    paths = [path for folder in folders for path in (root / folder).rglob("*")]
    files = [path for path in paths if path.is_file() and "__pycache__" not in path.parts]
    assert len(files) > 100
    assert {str(path): found for path in files if (found := scan(path, every=False))} == {}
