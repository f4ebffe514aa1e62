"""A key goes into the policy file wherever it is laid out; the rest stays, and the key itself is not kept."""

from __future__ import annotations

import hashlib
import stat

import pytest
import yaml

from workbench.control.policy_edit import add_key
from workbench.domain.errors import ConfigError, UsageError

DIGEST = "a" * 64
LAYOUTS = {
    "missing file": None,
    "empty": "",
    "comments only": "# nothing yet\n",
    "empty tenants": "# top\ntenants:\nprofiles: {mine: {num_retries: 1}}\n",
    "empty flow tenants": "tenants: {}\n",
    "other tenant": "tenants:\n  default: {models: ['*']}   # all\n",
    "flow tenants": "tenants: {default: {rpm_limit: 6}}\n",
    "flow rules": "tenants:\n  team-a: {rpm_limit: 6}\n",
    "block rules": "tenants:\n  # ours\n  team-a:\n    rpm_limit: 6   # a minute\n  b:\n    tpm_limit: 9\n",
    "flow keys": f"tenants:\n  team-a:\n    keys: [{{name: old, sha256: {DIGEST}}}]\n",
    "block keys": f"tenants:\n  team-a:\n    keys:\n      # o\n      - name: old\n        sha256: {DIGEST}\n",
    "no line break at the end": "profiles: {}",
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_layout_takes_a_key(tmp_path, layout):
    """The data is what it was plus one key; comments stay; the file is private; the key is not in it."""
    path = tmp_path / "infra" / "policy.yaml"
    if layout is not None:
        path.parent.mkdir()
        path.write_text(layout)
    before = yaml.safe_load(layout or "") or {}
    made = add_key(path, "team-a", "laptop")
    text = path.read_text()
    after = yaml.safe_load(text)
    first, *others = after["tenants"]["team-a"].pop("keys")
    assert first == {"name": "laptop", "sha256": hashlib.sha256(made.key.encode()).hexdigest()}
    old = (before.get("tenants") or {}).get("team-a", {})
    assert others == old.pop("keys", [])
    assert after == {**before, "tenants": {**(before.get("tenants") or {}), "team-a": old}}
    assert all(line.strip() in text for line in (layout or "").splitlines() if line.strip().startswith("#"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made.key not in text
    assert made.key not in repr(made)


def test_keys_are_numbered_and_differ(tmp_path):
    """Without a name the next number is taken; no two keys are alike."""
    path = tmp_path / "policy.yaml"
    made = [add_key(path, "team-a") for _ in range(3)]
    assert [key.name for key in made] == ["key-1", "key-2", "key-3"]
    assert len({key.key for key in made}) == 3
    assert [key["name"] for key in yaml.safe_load(path.read_text())["tenants"]["team-a"]["keys"]] == [
        "key-3",
        "key-2",
        "key-1",
    ]


@pytest.mark.parametrize("name", ["123", "yes", "a.b@c-d", "1e5"])
def test_names_that_yaml_would_read_otherwise(tmp_path, name):
    """A tenant or key named like a number or a truth value stays text."""
    path = tmp_path / "policy.yaml"
    add_key(path, name, name)
    add_key(path, name)
    (tenant,) = yaml.safe_load(path.read_text())["tenants"]
    assert tenant == name


def test_a_name_is_used_once(tmp_path):
    """A second key of the same name is refused."""
    path = tmp_path / "policy.yaml"
    add_key(path, "team-a", "laptop")
    with pytest.raises(UsageError, match="has a key named"):
        add_key(path, "team-a", "laptop")


@pytest.mark.parametrize("text", ["tenants: [1]\n", "tenants: {team-a: {keys: nonsense}}\n", "a: [\n", "7\n"])
def test_a_file_that_cannot_be_edited_is_left_alone(tmp_path, text):
    """What we do not understand is said and stays byte for byte."""
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        add_key(path, "team-a")
    assert path.read_text() == text
