"""The sign-in proxy's configuration and its life, with a stand-in process."""

from __future__ import annotations

import stat

import pytest
import yaml

from workbench.control.subscription import process
from workbench.control.subscription.layout import base_url, client_key, management_key, prepare
from workbench.domain.errors import ConfigError, ToolUnavailable


def test_the_configuration_is_private_and_on_loopback(layout):
    """Folders 0700, files 0600, host written out, remote management and panel off, keys random."""
    document = yaml.safe_load(layout.config.read_text())
    assert document["host"] == "127.0.0.1"
    assert document["remote-management"]["allow-remote"] is False
    assert document["remote-management"]["disable-control-panel"] is True
    assert document["api-keys"] == [client_key(layout.home)]
    assert len(client_key(layout.home)) > 30
    assert document["remote-management"]["secret-key"] == management_key(layout)
    for path in (layout.folder, layout.auth, layout.program.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in (layout.config, layout.management_key_file, layout.home.env_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_preparing_again_changes_nothing(layout):
    """Keys and ports are kept: clients rely on them."""
    before = [path.read_bytes() for path in (layout.config, layout.management_key_file, layout.home.env_file)]
    prepare(layout, port=1)
    assert before == [
        path.read_bytes() for path in (layout.config, layout.management_key_file, layout.home.env_file)
    ]


def test_start_state_stop(layout):
    """It starts detached, is ready when it answers our key, is not started twice, and stops."""
    assert process.state(layout).running is False
    address = process.start(layout)
    first = layout.process_file.read_bytes()
    assert process.start(layout) == address == base_url(layout)
    assert layout.process_file.read_bytes() == first
    state = process.state(layout)
    assert (state.installed, state.running, state.ready, state.accounts) == (True, True, True, [])
    assert process.stop(layout) is True
    assert process.stop(layout) is False
    assert process.state(layout).ready is False


def test_a_proxy_that_ends_at_once_says_why(layout):
    """The end of its log comes with the error, and nothing is left running."""
    (layout.folder / "script").write_text("crash")
    with pytest.raises(ToolUnavailable, match="can't bind"):
        process.start(layout)
    assert process.state(layout).running is False


def test_a_missing_program_names_the_download(layout):
    """Without the program: exit 5 and the command that gets it."""
    layout.program.unlink()
    with pytest.raises(ToolUnavailable) as caught:
        process.start(layout)
    assert (caught.value.exit_code, caught.value.hint) == (5, "workbench bootstrap download")


@pytest.mark.parametrize("host", ["", "0.0.0.0", None])
def test_an_open_host_is_refused(layout, host):
    """A configuration that answers other machines is never used."""
    document = yaml.safe_load(layout.config.read_text()) | {"host": host}
    layout.config.write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigError, match="other machines"):
        process.start(layout)
