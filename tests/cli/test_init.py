"""`workbench init`: a home from nothing, and another router's configuration taken over."""

from __future__ import annotations

import stat
from pathlib import Path

PROVIDERS = """\
default_model: fast
providers:
  - name: main
    type: openai
    api_key: sk-written-out-0123456789
    wibble: 1
    models: [{name: fast, id: gpt-4o-mini}]
"""


def test_a_home_is_made(workbench, home_dir: Path):
    """Without --from: working defaults, and where they are."""
    said = workbench("init", "--json")
    assert said.json["home"] == str(home_dir)
    assert (home_dir / "infra" / "litellm" / "config.yaml").is_file()


def test_a_providers_file_is_taken_over(workbench, home_dir: Path, tmp_path: Path):
    """The old config stays beside, the key goes to .env (0600) and nowhere else, what is left out is said."""
    source = tmp_path / "providers.yaml"
    source.write_text(PROVIDERS)
    said = workbench("init", "--from", str(source), "--json")
    assert (said.code, said.json["deployments"], said.json["enabled"]) == (0, 1, 1)
    assert any("wibble" in note for note in said.json["notes"])
    config, env = home_dir / "infra" / "litellm" / "config.yaml", home_dir / ".env"
    assert "sk-written-out" not in config.read_text() + said.out + said.err
    assert "MAIN_API_KEY='sk-written-out-0123456789'" in env.read_text()
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert Path(said.json["backup"]).read_text().startswith("# The router's configuration")


def test_a_bad_file_changes_nothing(workbench, home_dir: Path, tmp_path: Path):
    """Exit 2 with the place; the config in force is untouched."""
    workbench("init")
    config = home_dir / "infra" / "litellm" / "config.yaml"
    before = config.read_text()
    source = tmp_path / "bad.yaml"
    for text in ("model_lst: []", "providers: []", "a: ["):
        source.write_text(text)
        said = workbench("init", "--from", str(source))
        assert said.code == 2, text
        assert config.read_text() == before
        assert sorted(path.name for path in config.parent.iterdir()) == ["config.yaml"]
