"""Running package installers: with no code of the packages, without our keys, and if it can be in a sandbox.

``npm ci`` runs in the sandbox with one way out, to the configured registry. Where the user's npm needs
more than that (a proxy, a login, a registry without TLS, no sandbox here) it runs outside, as the user.
"""

from __future__ import annotations

import sys
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from workbench.domain.errors import ToolUnavailable
from workbench.workflow.outlet import SOCKET, open_outlet
from workbench.workflow.process import Caps, Outcome, run
from workbench.workflow.sandbox import Bubblewrap, Launch, Toolbox, choose

TIMEOUT_S = 600
_PORT = 3128
_CAPS = Caps(timeout_s=TIMEOUT_S, memory_mb=4096, processes=512)
_SECRET_WORDS = ("API_KEY", "_TOKEN", "SECRET", "PASSWORD", "MASTER_KEY")
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")

Say = Callable[[str], None]


def without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for installers: the user's, without what looks like a key."""
    kept = {
        name: value
        for name, value in environ.items()
        if not any(word in name.upper() for word in _SECRET_WORDS)
    }
    kept.pop("VIRTUAL_ENV", None)
    return kept


async def install(argv: list[str], folder: Path, environ: Mapping[str, str]) -> Outcome:
    """Run an installer in `folder` as the user. Raises ToolUnavailable with the end of what it said."""
    return _checked(argv, await run(argv, env=without_keys(environ), cwd=folder, caps=_CAPS))


def _checked(argv: list[str], outcome: Outcome) -> Outcome:
    if not outcome.passed:
        tail = outcome.output.decode(errors="replace").strip()[-1500:]
        raise ToolUnavailable(
            f"{Path(argv[0]).name} {outcome.killed or f'ended with {outcome.exit_code}'}:\n{tail}",
            hint="is the package registry reachable? the same command works again later",
        )
    return outcome


async def npm_ci(
    npm: str, node_base: tuple[Path, ...], folder: Path, environ: Mapping[str, str], say: Say
) -> None:
    """Install `folder`'s lockfile. Raises ToolUnavailable."""
    argv = [npm, *NPM_CI]
    backend = choose(trusted=True)
    registry = await _plain_registry(npm, folder, environ)
    if not isinstance(backend, Bubblewrap) or registry is None:
        say("$ npm " + " ".join(NPM_CI))
        await install(argv, folder, environ)
        return
    say(f"$ npm {' '.join(NPM_CI)}   (in the sandbox, only {registry.host} can be reached)")
    async with open_outlet([(registry.host, registry.port)]) as outlet:
        launch = _jailed(backend, argv, node_base, folder, outlet.folder, registry)
        outcome = await run(launch.argv, env=launch.env, cwd=launch.cwd, caps=_CAPS)
        for line in outlet.refused[:5]:
            say(f"refused: {line}")
    _checked(argv, outcome)


_TRUST = [path for name in ("/etc/ssl/certs", "/etc/pki/tls/certs") if (path := Path(name)).is_dir()]
"""Certificates of public authorities. Not their parent, which may hold private keys."""


class _Registry(msgspec.Struct, frozen=True, kw_only=True):
    """A registry that needs nothing but TLS."""

    host: str
    port: int
    cafile: Path | None


def _jailed(
    backend: Bubblewrap,
    argv: list[str],
    node_base: tuple[Path, ...],
    folder: Path,
    shared: Path,
    registry: _Registry,
) -> Launch:
    carrier = Path(__file__).with_name("inside.py")
    python = Path(sys.executable).resolve()
    base = Path(sys.base_prefix)
    proxy = f"http://127.0.0.1:{_PORT}"
    env = {
        "npm_config_registry": f"https://{registry.host}:{registry.port}/",
        "npm_config_https_proxy": proxy,
        "npm_config_proxy": proxy,
        "npm_config_cache": "/tmp/npm",  # noqa: S108 - the sandbox's own
        "npm_config_update_notifier": "false",
        **({} if registry.cafile is None else {"npm_config_cafile": str(registry.cafile)}),
    }
    binds = [*node_base, carrier, *_TRUST]
    binds += [] if base.is_relative_to("/usr") else [base]
    binds += [] if registry.cafile is None else [registry.cafile]
    tools = Toolbox(binds=tuple(dict.fromkeys(binds)))
    command = [str(python), "-I", "-S", str(carrier), "out", str(shared / SOCKET), str(_PORT), *argv]
    return backend.wrap(command, app=folder, tools=tools, env=env, shared=shared)


async def _plain_registry(npm: str, folder: Path, environ: Mapping[str, str]) -> _Registry | None:
    """Return the registry that npm is set up for; None when it needs more than TLS."""
    outcome = await run(
        [npm, "config", "list", "--json"], env=without_keys(environ), cwd=folder, caps=Caps(timeout_s=30)
    )
    settings = _npm_settings(outcome.output)
    if settings.get("proxy") or settings.get("https-proxy") or any("_auth" in name for name in settings):
        return None
    parts = urllib.parse.urlsplit(str(settings.get("registry", "")))
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.path not in {"", "/"}:
        return None
    extra = settings.get("cafile") or environ.get("NODE_EXTRA_CA_CERTS")
    return _Registry(host=parts.hostname, port=parts.port or 443, cafile=_existing(extra))


def _existing(path: object) -> Path | None:
    return Path(path) if isinstance(path, str) and Path(path).is_file() else None


def _npm_settings(output: bytes) -> dict[str, object]:
    start = output.find(b"{")
    try:
        found = msgspec.json.decode(output[start : output.rfind(b"}") + 1]) if start >= 0 else {}
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
