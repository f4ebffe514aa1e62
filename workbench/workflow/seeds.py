"""The pristine build cache that an app starts with: a build of the recipe's template alone, made once.

It is made in the sandbox under the same path as every app's build, since build tools key their caches by
path; only our own template (and the recipe's ``seed/`` files in place of the model's) is ever in it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from workbench.domain.errors import ToolUnavailable
from workbench.workflow.brief import variables
from workbench.workflow.library import Kit
from workbench.workflow.process import Caps, run
from workbench.workflow.sandbox import Toolbox, choose

_TIMEOUT_S = 300


async def build_seed(folder: Path, kit: Kit, tools: Toolbox) -> None:
    """Build the template in a scratch app; keep its cache below `folder`. Raises ToolUnavailable."""
    recipe = kit.recipe
    scratch = Path(tempfile.mkdtemp(prefix="seed-", dir=folder))
    try:
        _lay_out(scratch, kit)
        env = next((gate.env for gate in recipe.gates if gate.argv == recipe.toolchain.seed_argv), {})
        launch = choose(trusted=True).wrap(recipe.toolchain.seed_argv, app=scratch, tools=tools, env=env)
        caps = Caps(timeout_s=_TIMEOUT_S, memory_mb=4096)
        outcome = await run(launch.argv, env=launch.env, cwd=launch.cwd, caps=caps)
        if not outcome.passed:
            tail = outcome.output.decode(errors="replace").strip()[-1500:]
            raise ToolUnavailable(f"the template of {recipe.name} does not build: {outcome.killed}\n{tail}")
        for where in recipe.toolchain.seed:
            if (scratch / where).is_dir():
                shutil.copytree(scratch / where, folder / "cache" / where, symlinks=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _lay_out(scratch: Path, kit: Kit) -> None:
    values = variables("")
    for path, data in kit.template(values).items():
        target = scratch / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    if (kit.folder / "seed").is_dir():
        shutil.copytree(kit.folder / "seed", scratch, dirs_exist_ok=True)


def give_seed(app: Path, tools: Toolbox) -> None:
    """Copy the seed into an app that has no build cache yet."""
    for source, where in tools.seeds:
        if source.is_dir() and not (app / where).exists():
            shutil.copytree(source, app / where, symlinks=True)
