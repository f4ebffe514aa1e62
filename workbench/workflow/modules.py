"""The module store: a recipe's toolchain, built once for its pins, then shared read-only by all apps.

``<home>/.modules/<kind>-<key>/``; the key is the hash of pins, interpreter version and platform, so another
pin is another folder and nothing is ever changed in place. A folder counts when its ``ready.json`` is there.
Installs run no code of the packages: wheels only, ``npm ci --ignore-scripts``.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from filelock import AsyncFileLock

from workbench.domain.errors import ToolUnavailable
from workbench.workflow.brief import variables
from workbench.workflow.installing import install, npm_ci
from workbench.workflow.library import Kit
from workbench.workflow.paths import write_atomic
from workbench.workflow.sandbox import Toolbox
from workbench.workflow.seeds import build_seed

_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([\w.!+-]+)$")

Say = Callable[[str], None]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """``ready.json``: what the folder is, for people and for the garbage collection."""

    kind: str
    recipe: str
    built_at: float
    took_s: float


class ModuleStore:
    """Builds and finds toolchains below `root`. `say` hears what takes long."""

    def __init__(self, root: Path, say: Say, environ: Mapping[str, str] | None = None) -> None:
        self._root, self._say = root, say
        self._environ = os.environ if environ is None else environ

    async def toolbox(self, kit: Kit) -> Toolbox:
        """Return the recipe's toolchain, built now if it is not there. Raises ToolUnavailable."""
        if kit.recipe.toolchain.kind == "python":
            return await self._python(kit)
        return await self._node(kit)

    async def _python(self, kit: Kit) -> Toolbox:
        chain = kit.recipe.toolchain
        self._check_version("Python", platform.python_version(), chain.min_version)
        base = _outside_system(Path(sys.base_prefix))
        if chain.requirements is None:
            return Toolbox(binds=base, path=(str(Path(sys.base_prefix) / "bin"),))
        pins = (kit.folder / chain.requirements).read_bytes()
        prefix = Path(sys.prefix)
        # Where our own environment is used, its pytest plugins that are not pinned stay out.
        env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        if not _satisfied(pins.decode()):
            key = _key(pins, sys.version, platform.platform())
            folder = await self._built(
                f"python-{key}", kit, lambda path: self._make_venv(path, kit.folder, pins)
            )
            prefix = folder / "venv"
        tools = Toolbox(binds=(*base, prefix), path=(str(prefix / "bin"),), env=env)
        return await self._seeded(kit, _key(pins, sys.version, str(prefix)), tools)

    async def _make_venv(self, folder: Path, _: Path, pins: bytes) -> None:
        requirements = folder / "requirements.txt"
        requirements.write_bytes(pins)
        venv = folder / "venv"
        python = str(venv / "bin" / "python")
        wheels = ["--only-binary", ":all:", "--requirement", str(requirements)]
        if uv := shutil.which("uv"):
            await self._install([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], folder)
            await self._install([uv, "pip", "install", "--quiet", "--python", python, *wheels], folder)
            return
        await self._install([sys.executable, "-m", "venv", str(venv)], folder)
        await self._install([python, "-m", "pip", "install", "--quiet", *wheels], folder)

    async def _node(self, kit: Kit) -> Toolbox:
        pins = kit.recipe.toolchain
        node = shutil.which("node")
        npm = shutil.which("npm")
        if node is None or npm is None:
            raise ToolUnavailable(
                f"the recipe {kit.recipe.name} needs Node and npm",
                hint="https://nodejs.org/ or apt install npm",
            )
        version = (
            (await install([node, "--version"], self._root.parent, self._environ)).output.decode().strip()
        )
        self._check_version("Node", version.removeprefix("v"), pins.min_version)
        program = _real(node)
        base = _outside_system(program.parent.parent)
        if pins.lockfile is None:
            return Toolbox(binds=base, path=(str(program.parent),))
        lock = (kit.folder / pins.lockfile).read_bytes()
        package = (kit.folder / pins.lockfile).with_name("package.json").read_bytes()
        key = _key(lock, package, version, sys.platform, platform.machine())

        async def make(folder: Path) -> None:
            for name, value in variables("").items():
                nonlocal lock, package
                lock = lock.replace(b"{{%s}}" % name.encode(), value.encode())
                package = package.replace(b"{{%s}}" % name.encode(), value.encode())
            (folder / "package.json").write_bytes(package)
            (folder / "package-lock.json").write_bytes(lock)
            await npm_ci(npm, base, folder, self._environ, self._say)
            (folder / "node_modules").mkdir(exist_ok=True)

        folder = await self._built(f"node-{key}", kit, make)
        tools = Toolbox(
            binds=base,
            mounts=((folder / "node_modules", "node_modules"),),
            path=("{app}/node_modules/.bin", str(program.parent)),
        )
        return await self._seeded(kit, key, tools)

    async def _seeded(self, kit: Kit, key: str, tools: Toolbox) -> Toolbox:
        """Return the toolbox with the recipe's pristine build cache, made now if it is not there."""
        wanted = kit.recipe.toolchain.seed
        if not wanted or not kit.recipe.toolchain.seed_argv:
            return tools
        name = f"seed-{_key(key, kit.digest())}"
        try:
            folder = await self._built(name, kit, lambda path: build_seed(path, kit, tools))
        except ToolUnavailable as error:
            self._say(f"no build cache, which only costs time: {error}")
            return tools
        seeds = tuple((folder / "cache" / where, where) for where in wanted)
        return msgspec.structs.replace(tools, seeds=seeds)

    async def _built(self, name: str, kit: Kit, make: Callable[[Path], object]) -> Path:
        """Return the ready folder; one process builds it while others wait."""
        folder = self._root / name
        ready = folder / "ready.json"
        if not ready.is_file():
            self._root.mkdir(parents=True, exist_ok=True)
            async with AsyncFileLock(str(self._root / f"{name}.lock")):
                if not ready.is_file():
                    await self._build(folder, kit, make)
        os.utime(ready)
        return folder

    async def _build(self, folder: Path, kit: Kit, make: Callable[[Path], object]) -> None:
        _start_over(folder)
        kind = "build cache" if folder.name.startswith("seed-") else f"{kit.recipe.toolchain.kind} toolchain"
        self._say(f"making the {kind} of {kit.recipe.name}; this happens once")
        began = time.monotonic()
        result = make(folder)
        if asyncio.iscoroutine(result):
            await result
        took = time.monotonic() - began
        entry = Entry(kind=kind, recipe=kit.recipe.name, built_at=time.time(), took_s=round(took, 1))
        write_atomic(folder / "ready.json", msgspec.json.encode(entry))
        self._say(f"the {kind} is ready ({took:.1f} s)")

    async def _install(self, argv: list[str], folder: Path) -> None:
        self._say("$ " + " ".join(Path(part).name if part == argv[0] else part for part in argv))
        await install(argv, folder, self._environ)

    def _check_version(self, what: str, have: str, need: str | None) -> None:
        if need is not None and _numbers(have) < _numbers(need):
            raise ToolUnavailable(f"{what} {need} or newer is needed, this is {have}")


def _real(program: str) -> Path:
    return Path(program).resolve()


def _start_over(folder: Path) -> None:
    """Remove what a broken build left and make the folder."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()


def _key(*parts: bytes | str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update((part.encode() if isinstance(part, str) else part) + b"\0")
    return digest.hexdigest()[:16]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _outside_system(prefix: Path) -> tuple[Path, ...]:
    """Return the folder to bind, or nothing when the sandbox has it anyway (``/usr`` and below)."""
    return () if prefix.is_relative_to("/usr") else (prefix,)


def _satisfied(pins: str) -> bool:
    """Tell whether this interpreter's environment has every pin exactly, so that nothing must be built."""
    for line in pins.splitlines():
        text = line.partition("#")[0].partition(";")[0].strip()
        if not text or text.startswith("-"):
            continue
        match = _PIN.match(text)
        if match is None:
            return False
        try:
            if importlib.metadata.version(match[1]) != match[2]:
                return False
        except importlib.metadata.PackageNotFoundError:
            return False
    return sys.prefix != sys.base_prefix
