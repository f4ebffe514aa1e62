"""Making a home: working defaults, a random master key, nothing that exists is touched."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from workbench.control.files import PRIVATE, PRIVATE_FOLDER, create, write_atomic
from workbench.domain.errors import ToolUnavailable
from workbench.settings.home import Home
from workbench.settings.keys import KEY_NAME, is_placeholder, read_env

DATA = Path(__file__).parent.parent / "data"
KEY_PREFIX = "sk-wb-"

_GITIGNORE = """\
.env
.router/
.modules/
artifacts/
apps/generated/
logs/
"""
_ENV_HEAD = """\
# Keys of this home. Readable by you only; ignored by git; can be sourced by a shell.
# A provider's model groups switch on when its key is set here:
#   DEEPSEEK_API_KEY=
#   OPENAI_API_KEY=
#   ANTHROPIC_API_KEY=

# The key that clients send to the router.
"""


def ensure_home(home: Home) -> list[Path]:
    """Create what is missing of a home and return it; an existing home costs a few `stat` calls.

    Files: router config, ``workbench.yaml``, ``.env`` (mode 0600, random master key), ``.gitignore``.
    Raises ToolUnavailable when the folder can't be written.
    """
    try:
        return _ensure(home)
    except OSError as error:
        raise ToolUnavailable(
            f"the home {home.root} can't be written: {error.strerror or error}",
            hint="workbench --home DIR … uses another folder; WORKBENCH_HOME names one for good",
        ) from None


def _ensure(home: Home) -> list[Path]:
    fresh = not home.root.exists()
    if fresh:
        home.root.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    created = []
    for path, source in (
        (home.config, DATA / "default_config.yaml"),
        (home.settings_file, DATA / "default_workbench.yaml"),
    ):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            if create(path, source.read_bytes()):
                created.append(path)
    if home.config in created and create(home.root / ".gitignore", _GITIGNORE.encode()):
        created.append(home.root / ".gitignore")
    home.artifacts.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    if _ensure_key(home):
        created.append(home.env_file)
        home.artifacts.chmod(PRIVATE_FOLDER)  # a clone brings the folder along, open to everybody
    return created


def new_key() -> str:
    """Return a random master key."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def _ensure_key(home: Home) -> bool:
    """Give the home a master key unless it has one; return whether ``.env`` was written."""
    if not home.env_file.exists():
        return create(home.env_file, f"{_ENV_HEAD}{KEY_NAME}={new_key()}\n".encode(), mode=PRIVATE)
    if KEY_NAME in read_env(home) or _named_elsewhere(home):
        return False
    text = home.env_file.read_text(encoding="utf-8")
    write_atomic(home.env_file, _with_key(text).encode(), mode=PRIVATE)
    return True


def _named_elsewhere(home: Home) -> bool:
    from workbench.control.keys import config_key

    environment = {name: value for name, value in os.environ.items() if not is_placeholder(value)}
    return bool(config_key(home, environment)) or KEY_NAME in environment


def _with_key(text: str) -> str:
    """Return an ``.env`` text with a fresh key, in the place of a placeholder where there is one."""
    line = f"{KEY_NAME}={new_key()}"
    changed, count = re.subn(rf"(?m)^(?:export\s+)?{KEY_NAME}\s*=.*$", line, text, count=1)
    if count:
        return changed
    return text + ("" if not text or text.endswith("\n") else "\n") + line + "\n"
