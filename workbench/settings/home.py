"""The home: the folder that holds everything of one user's workbench."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec


class Home(msgspec.Struct, frozen=True):
    """The folder that holds everything of one user's workbench, and the places in it."""

    root: Path

    @property
    def config(self) -> Path:
        """LiteLLM's own format: deployments and routing."""
        return self.root / "infra" / "litellm" / "config.yaml"

    @property
    def policy(self) -> Path:
        """Tenants, their limits and keys."""
        return self.root / "infra" / "litellm" / "models-policy.yaml"

    @property
    def settings_file(self) -> Path:
        """Our own settings."""
        return self.root / "workbench.yaml"

    @property
    def env_file(self) -> Path:
        """Keys; mode 0600."""
        return self.root / ".env"

    @property
    def router_dir(self) -> Path:
        """What a running router leaves for those who look for it."""
        return self.root / ".router"

    @property
    def router_json(self) -> Path:
        """Pid, start time, port, version and instance of the running router."""
        return self.router_dir / "router.json"

    @property
    def router_lock(self) -> Path:
        """Held by the running router."""
        return self.router_dir / "router.lock"

    @property
    def artifacts(self) -> Path:
        """The store and the runs' folders."""
        return self.root / "artifacts"

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.artifacts / "runs"

    @property
    def store(self) -> Path:
        """The SQLite file."""
        return self.artifacts / "workbench.db"

    @property
    def unrecorded(self) -> Path:
        """Exchanges that the store could not take, one file each."""
        return self.artifacts / "unrecorded"

    @property
    def generated(self) -> Path:
        """One folder a generated app, named like its run."""
        return self.root / "apps" / "generated"

    @property
    def logs(self) -> Path:
        """Logs of the router and of QA."""
        return self.root / "logs"

    @property
    def recipes(self) -> Path:
        """The user's own recipes."""
        return self.root / "recipes"

    @property
    def modules(self) -> Path:
        """The module store: installed dependencies, shared read-only by generated apps."""
        return self.root / ".modules"


def find_home(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Home:
    """Return the home: the flag, else ``WORKBENCH_HOME``, else the nearest parent that has a router config,
    else the platform's data folder. Whether it exists is not asked here.
    """
    if explicit is not None:
        return Home(explicit.expanduser().resolve())
    if named := environ.get("WORKBENCH_HOME"):
        return Home(Path(named).expanduser().resolve())
    for folder in (cwd, *cwd.parents):
        if Home(folder).config.is_file():
            return Home(folder)
    import platformdirs

    return Home(Path(platformdirs.user_data_dir("workbench")))
