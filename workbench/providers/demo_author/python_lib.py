"""Libraries for the recipe ``python-lib``: a domain's module, its tests, and how to use it."""

from __future__ import annotations

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.catalog import choose
from workbench.providers.demo_author.domains.library import Core
from workbench.providers.demo_author.project import File, Project, template


def write(brief: Brief) -> Project:
    """Return the library for `brief`."""
    core = Core(brief=brief, library=choose(brief).library(brief), package=brief.package, folder="src/")
    return Project(
        summary=core.library.summary,
        files=(*core.files(), _readme(core)),
        acceptance=core.library.acceptance,
        mistake=core.mistake(),
    )


def _readme(core: Core) -> File:
    usage = template(f"domains/{core.library.module}/usage.md", core.values).rstrip()
    purpose = "What the library is for and how it is used"
    return core.file("README.md", purpose, "python_lib/readme.md", (core.module_path,), {"usage": usage})
