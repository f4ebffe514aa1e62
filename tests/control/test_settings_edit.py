"""One setting is changed in the file; comments, order and everything else stay."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from workbench.control.setting_facts import setting_facts
from workbench.control.settings_edit import parse_setting, set_setting, unset_setting
from workbench.domain.errors import ConfigError
from workbench.settings.home import Home
from workbench.settings.load import load_settings
from workbench.settings.sections import describe

WRITTEN = """\
# mine
router:
  port: 4100   # the old one was taken
  # nobody else
  host: 127.0.0.1

retention: {max_age: 30d}   # short

workflow:
"""


@pytest.fixture
def home(tmp_path):
    """A home with a file that somebody wrote."""
    home = Home(tmp_path)
    home.settings_file.write_text(WRITTEN)
    return home


def test_a_value_is_replaced_where_it_stands(home):
    """Its comment stays on its line."""
    set_setting(home, "router.port", 4200)
    assert home.settings_file.read_text() == WRITTEN.replace("4100", "4200")


def test_a_new_key_goes_to_the_end_of_its_section(home):
    """The keys that are there stay together with their comments."""
    set_setting(home, "router.drain_s", 5.0)
    added = WRITTEN.replace("  host: 127.0.0.1\n", "  host: 127.0.0.1\n  drain_s: 5.0\n")
    assert home.settings_file.read_text() == added


def test_a_section_in_braces_an_empty_one_and_a_new_one_take_a_key(home):
    """However the file is laid out."""
    set_setting(home, "retention.max_size", "2GB")
    set_setting(home, "workflow.model", "yes")  # text, though YAML reads it as true
    set_setting(home, "tui.mouse", False)
    settings = load_settings(home, {})
    assert (settings.retention.max_size, settings.retention.max_age) == ("2GB", "30d")
    assert (settings.workflow.model, settings.tui.mouse) == ("yes", False)
    assert "# short" in home.settings_file.read_text()


def test_taking_a_setting_out_takes_its_section_when_nothing_is_left(home):
    """What is left reads as if the setting had never been there."""
    set_setting(home, "tui.theme", "nord")
    unset_setting(home, "tui.theme")
    assert home.settings_file.read_text() == WRITTEN
    unset_setting(home, "router.port")
    assert load_settings(home, {}).router.port == 4000
    assert "# nobody else" in home.settings_file.read_text()


def test_a_file_is_made_where_there_is_none(tmp_path):
    """Nothing but the setting is in it."""
    home = Home(tmp_path / "new")
    set_setting(home, "retention.max_runs", None)
    assert home.settings_file.read_text() == "retention:\n  max_runs: null\n"


def test_what_can_not_be_changed_safely_is_left_alone(home):
    """An alias shares a value with another place: changing one would change both."""
    odd = "router: &shared\n  port: 4100\nrecording: *shared\n"
    home.settings_file.write_text(odd)
    with pytest.raises(ConfigError) as caught:
        unset_setting(home, "recording.port")
    assert "$EDITOR" in (caught.value.hint or "")
    assert home.settings_file.read_text() == odd


def test_line_ends_the_mode_and_a_link_stay(home, tmp_path):
    """Whoever made the file so meant it."""
    real = tmp_path / "real.yaml"
    real.write_bytes(WRITTEN.replace("\n", "\r\n").encode())
    real.chmod(0o600)
    home.settings_file.unlink()
    home.settings_file.symlink_to(real)
    set_setting(home, "router.drain_s", 1.0)
    assert home.settings_file.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert real.read_bytes().count(b"\n") == real.read_bytes().count(b"\r\n")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("router.port", "4321", 4321),
        ("recording.required", "true", True),
        ("retention.max_age", "none", None),
        ("retention.max_age", "45d", "45d"),
        ("workflow.budget_usd", "2.5", 2.5),
        ("router.default_model", "demo", "demo"),
    ],
)
def test_what_is_typed_becomes_the_settings_own_kind(home, name, text, value):
    """A number is a number, none is none."""
    assert (
        parse_setting(home, name, text, optional=value is None or "." in text or name[:3] == "ret") == value
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("router.port", "99999", "65535"),
        ("router.port", "many", "int"),
        ("router.port", "", "int"),
        ("retention.max_age", "soon", "a duration is needed"),
        ("retention.max_size", "big", "a size is needed"),
        ("recording.required", "perhaps", "bool"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(home, name, text, said):
    """The message says what is needed."""
    with pytest.raises(ConfigError) as caught:
        parse_setting(home, name, text, optional=False)
    assert said in caught.value.message
    assert home.settings_file.read_text() == WRITTEN


def test_every_setting_says_where_its_value_comes_from(home):
    """Default, the file with its line, the environment, or .env."""
    home.env_file.write_text("WORKBENCH_MODEL=echo\n")
    found = {facts.name: facts for facts in setting_facts(home, {"WORKBENCH_PORT": "4300"})}
    assert found["router.host"].where == "workbench.yaml:5"
    assert (found["router.port"].where, found["router.port"].setting.value) == ("WORKBENCH_PORT", 4300)
    assert found["workflow.model"].where == "WORKBENCH_MODEL in .env"
    assert found["tui.mouse"].origin == "default"
    assert found["router.port"].takes == "a whole number, 0 to 65535"
    assert found["retention.max_age"].takes == "a duration: 90s, 15m, 2h, 30d"
    assert found["retention.max_age"].optional
    assert not found["retention.interval"].optional
    assert all(facts.setting.sentence and facts.takes for facts in found.values())


VALUES = {
    "router.port": st.integers(0, 65535),
    "router.drain_s": st.floats(0, 1e6, allow_nan=False),
    "recording.redact": st.booleans(),
    "retention.max_age": st.sampled_from(["1d", "2h", None]),
    "workflow.model": st.text(max_size=30),
    "tui.tail": st.booleans(),
}


@given(st.lists(st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name]))))
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_changes_one_after_another_are_what_is_read_back(home, changes):
    """The last value written is the value in force; the comments are all still there."""
    home.settings_file.write_text(WRITTEN)
    for name, value in changes:
        set_setting(home, name, value)
    wanted = dict(changes)
    found = {setting.name: setting.value for setting in describe(load_settings(home, {}))}
    assert {name: found[name] for name in wanted} == wanted
    assert home.settings_file.read_text().count("#") >= 3
