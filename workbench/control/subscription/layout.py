"""Where the sign-in proxy of a home lives, and its configuration.

CLIProxyAPIPlus turns a Codex or Copilot subscription into an OpenAI-compatible endpoint on loopback. It is
a program of its own; we download, configure, start and stop it, and the router reaches it like any provider.
Facts are of version 6.8.16-0.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec
import yaml

from workbench.control.files import PRIVATE, PRIVATE_FOLDER, create, write_atomic
from workbench.domain.errors import ConfigError
from workbench.settings.home import Home
from workbench.settings.keys import read_env

PROGRAM = "cli-proxy-api-plus"
VERSION = "6.8.16-0"
PORT = 8317
KEY_NAME = "CLIPROXY_API_KEY"
HOST = "127.0.0.1"


class Layout(msgspec.Struct, frozen=True):
    """The places of a home's sign-in proxy."""

    home: Home

    @property
    def folder(self) -> Path:
        """Everything of the proxy; readable by its owner only."""
        return self.home.root / ".subscription"

    @property
    def program(self) -> Path:
        """The downloaded program."""
        return self.folder / "bin" / PROGRAM

    @property
    def config(self) -> Path:
        """The proxy's own configuration."""
        return self.folder / "config.yaml"

    @property
    def auth(self) -> Path:
        """One file for each signed-in account."""
        return self.folder / "auth"

    @property
    def management_key_file(self) -> Path:
        """The management key in clear: the proxy replaces the one in its configuration by a hash."""
        return self.folder / "management.key"

    @property
    def process_file(self) -> Path:
        """Pid and start time of the running proxy."""
        return self.folder / "process.json"

    @property
    def log(self) -> Path:
        """What the proxy says."""
        return self.home.logs / "subscription-proxy.log"


def prepare(layout: Layout, *, port: int = PORT) -> None:
    """Make folders, keys and configuration; what exists is kept.

    The proxy's own default is to listen on every interface: loopback is written instead, and its remote
    management and control panel are off.
    """
    for folder in (layout.folder, layout.auth, layout.program.parent):
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        folder.chmod(PRIVATE_FOLDER)
    _ensure_client_key(layout.home)
    create(layout.management_key_file, secrets.token_urlsafe(32).encode(), mode=PRIVATE)
    document = {
        "host": HOST,
        "port": port,
        "auth-dir": str(layout.auth),
        "api-keys": [client_key(layout.home)],
        "remote-management": {
            "allow-remote": False,
            "secret-key": management_key(layout),
            "disable-control-panel": True,
        },
        "request-retry": 2,
        "routing": {"strategy": "round-robin"},
    }
    create(layout.config, yaml.safe_dump(document, sort_keys=False).encode(), mode=PRIVATE)


def client_key(home: Home) -> str:
    """Return the key that the router sends to the proxy. Raises ConfigError when there is none."""
    key = read_env(home).get(KEY_NAME)
    if not key:
        raise ConfigError(f"{KEY_NAME} is not set", file=str(home.env_file), hint="workbench auth start")
    return key


def management_key(layout: Layout) -> str:
    """Return the key of the proxy's management interface. Raises ConfigError when there is none."""
    try:
        return layout.management_key_file.read_text().strip()
    except OSError:
        raise ConfigError(
            "the proxy's management key is missing",
            file=str(layout.management_key_file),
            hint="workbench auth start",
        ) from None


def base_url(layout: Layout) -> str:
    """Return where the proxy answers, as its configuration says. Raises ConfigError for an unsafe one."""
    try:
        document = yaml.safe_load(layout.config.read_bytes())
        host, port = document.get("host"), int(document["port"])
    except (OSError, yaml.YAMLError, AttributeError, LookupError, TypeError, ValueError):
        raise ConfigError("can't be read", file=str(layout.config), hint="workbench auth start") from None
    if host != HOST:
        raise ConfigError(
            f"host is {host!r}: the proxy would answer other machines",
            file=str(layout.config),
            path="host",
            hint=f"write host: {HOST}",
        )
    return f"http://{HOST}:{port}"


def _ensure_client_key(home: Home) -> None:
    if KEY_NAME in read_env(home):
        return
    text = home.env_file.read_text(encoding="utf-8") if home.env_file.exists() else ""
    start = text if not text or text.endswith("\n") else text + "\n"
    line = f"{KEY_NAME}=sk-sub-{secrets.token_urlsafe(24)}\n"
    write_atomic(home.env_file, (start + line).encode(), mode=PRIVATE)
