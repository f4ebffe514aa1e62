"""Taking over a Codex sign-in: complete or not at all."""

from __future__ import annotations

import base64
import json
import stat

import pytest

from workbench.control.subscription.codex import claims, import_codex
from workbench.domain.errors import UsageError


def jwt(**values):
    middle = base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()
    return f"e30.{middle}.sig"


def document(**tokens):
    given = {
        "id_token": jwt(
            email="me+x@example.org", **{"https://api.openai.com/auth": {"chatgpt_account_id": "acc-1"}}
        ),
        "access_token": jwt(exp=1_800_000_000),
        "refresh_token": "rt-1",
    }
    given.update(tokens)
    return {"OPENAI_API_KEY": None, "tokens": given, "last_refresh": "2026-11-01T00:00:00Z"}


def test_the_account_is_written_whole_and_private(layout, tmp_path):
    """The flat record has tokens, account, e-mail and expiry; the file is 0600 and nothing else is left."""
    source = tmp_path / "auth.json"
    source.write_text(json.dumps(document()))
    done = import_codex(source, layout)
    assert done.path == layout.auth / "codex-me+x@example.org.json"
    assert stat.S_IMODE(done.path.stat().st_mode) == 0o600
    assert [path.name for path in layout.auth.iterdir()] == [done.path.name]
    record = json.loads(done.path.read_text())
    assert record == {
        "type": "codex",
        **document()["tokens"],
        "account_id": "acc-1",
        "email": "me+x@example.org",
        "last_refresh": "2026-11-01T00:00:00Z",
        "expired": "2027-01-15T08:00:00Z",
    }
    assert json.loads(source.read_text()) == document(), "the source is read only"


def test_a_given_account_id_wins(layout, tmp_path):
    """`account_id` beside the tokens is preferred to the claim."""
    source = tmp_path / "auth.json"
    source.write_text(json.dumps(document(account_id="acc-2")))
    assert import_codex(source, layout).account_id == "acc-2"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps(document(refresh_token="")), "lacks refresh_token"),
        (json.dumps(document(access_token="not-a-jwt")), "no account, e-mail or expiry"),
        ('{"OPENAI_API_KEY": "sk-x"}', "has no tokens .it holds an API key"),
        ("[]", "no Codex auth.json"),
        ("{", "is not JSON"),
    ],
)
def test_what_is_incomplete_is_refused_and_nothing_is_written(layout, tmp_path, content, message):
    """Missing tokens are named; no file appears."""
    source = tmp_path / "auth.json"
    source.write_text(content)
    with pytest.raises(UsageError, match=message):
        import_codex(source, layout)
    assert list(layout.auth.iterdir()) == []


def test_a_hostile_email_stays_in_the_folder(layout, tmp_path):
    """An e-mail with slashes can't name a path elsewhere."""
    hostile = jwt(email="../../x@y", **{"https://api.openai.com/auth": {"chatgpt_account_id": "a"}})
    source = tmp_path / "auth.json"
    source.write_text(json.dumps(document(id_token=hostile)))
    assert import_codex(source, layout).path.parent == layout.auth


def test_claims_of_nonsense_are_empty():
    """What is no JWT has no claims and raises nothing."""
    for token in ("", "a", "a.b.c", "a.!!!.c", f"a.{base64.urlsafe_b64encode(b'[1]').decode()}.c"):
        assert claims(token) == {}
