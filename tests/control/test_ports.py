"""The next free port is taken, and only a free one."""

from __future__ import annotations

import socket

import pytest

from workbench.control.ports import is_free, next_free
from workbench.domain.errors import UsageError


def test_a_taken_port_gives_the_next_free_one():
    """A port with a listener is passed over."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not is_free("127.0.0.1", port)
        chosen = next_free("127.0.0.1", port)
        assert chosen > port
        assert is_free("127.0.0.1", chosen)


def test_port_zero_stays_zero():
    """Zero is the system's own choice."""
    assert next_free("127.0.0.1", 0) == 0


def test_an_unknown_host_is_a_usage_error():
    """A host that can't be resolved is said, not taken for a full machine."""
    with pytest.raises(UsageError, match="not known"):
        next_free("no-such-host.invalid", 4000)
