"""The backend that `jail` is: for Linux without bubblewrap, where user namespaces work."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.workflow.sandbox import TASKS, TMP_MB, Launch, Toolbox, environment, limited

SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/sbin", "/etc/ld.so.cache", "/etc/alternatives")


class Namespaces:
    """Namespaces by hand, Landlock on top."""

    name = "namespaces + Landlock"
    isolated = True
    app_path = "/app"

    def wrap(
        self,
        argv: Sequence[str],
        *,
        app: Path,
        tools: Toolbox,
        env: Mapping[str, str],
        shared: Path | None = None,
    ) -> Launch:
        """Return the command; mount points below the app are created."""
        for _, where in tools.mounts:
            (app / where).mkdir(parents=True, exist_ok=True)
        spec = {
            "system": SYSTEM,
            "binds": [str(path) for path in tools.binds],
            "mounts": [(str(source), where) for source, where in tools.mounts],
            "shared": None if shared is None else str(shared),
            "app": str(app),
            "app_path": self.app_path,
            "tmp_mb": TMP_MB,
            "tasks": TASKS,
            "argv": limited(argv),
            "env": environment(tools, env, home="/home/app", app=self.app_path),
        }
        return Launch(argv=[*_JAIL, json.dumps(spec)], env={}, cwd=app)


_JAIL = (sys.executable, "-I", "-S", str(Path(__file__).with_name("jail.py")))


@functools.cache
def problem() -> str:
    """Return why this backend can't be used here, or an empty text. A real start is the only honest probe."""
    if sys.platform != "linux":
        return f"there are no namespaces on {sys.platform}"
    launch = Namespaces().wrap(["/bin/true"], app=Path("/usr/share"), tools=Toolbox(), env={})
    try:
        probe = subprocess.run(launch.argv, env={}, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"namespaces can't be had: {error}"
    said = probe.stderr.decode(errors="replace").strip()
    return "" if probe.returncode == 0 else f"namespaces can't be had: {said}"
