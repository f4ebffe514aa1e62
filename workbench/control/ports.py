"""Which port a router is started on: the one asked for, else the next free one."""

from __future__ import annotations

import socket

from workbench.domain.errors import UsageError

TRIES = 50


def is_free(host: str, port: int) -> bool:
    """Tell whether `port` can be listened on, as the router would do it."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise UsageError(f"the host {host!r} is not known: {error.strerror}") from None
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
    return True


def next_free(host: str, port: int) -> int:
    """Return `port` or the first free one after it. Raises UsageError when `TRIES` in a row are taken."""
    if port == 0:
        return 0
    last = min(port + TRIES, 65536)
    for candidate in range(port, last):
        if is_free(host, candidate):
            return candidate
    raise UsageError(f"the ports {port} to {last - 1} are all taken", hint="workbench router start --port 0")
