"""Finding recipes: the ones shipped with the package, and the user's own in the home's ``recipes/``."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

import msgspec
import yaml

from workbench.domain.errors import ConfigError, UnknownId
from workbench.domain.yaml_position import line_of, nearest, split_path
from workbench.settings.home import Home
from workbench.workflow.paths import PathRefused, check_path
from workbench.workflow.recipe import Recipe

SHIPPED = Path(__file__).parent.parent / "recipes"
_BINARY = frozenset({".ico", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".woff", ".woff2", ".pdf"})


class Kit(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe with its folder."""

    recipe: Recipe
    folder: Path
    own: bool = False
    """The user's, from the home; it hides a shipped one of the same name."""

    def template_paths(self) -> list[str]:
        """Return the template's paths as they stand in the recipe (placeholders not replaced), sorted.

        Installers compile every ``.py`` of a package, a template's too; what they leave there is not ours.
        """
        root = self.folder / "template"
        files = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
        return sorted(file.as_posix() for file in files if "__pycache__" not in file.parts)

    def template(self, values: dict[str, str]) -> dict[str, bytes]:
        """Return path -> content of the template's files with the placeholders replaced."""
        return {
            _fill(path, values): self._content(path, values)
            for path in self.template_paths()
            if path != ".DS_Store"
        }

    def _content(self, path: str, values: dict[str, str]) -> bytes:
        data = (self.folder / "template" / path).read_bytes()
        if PurePosixPath(path).suffix in _BINARY:
            return data
        return _fill(data.decode("utf-8"), values).encode("utf-8")

    def digest(self) -> str:
        """Return the hash of everything in the recipe: another hash is another recipe."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(
                    path.relative_to(self.folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0"
                )
        return digest.hexdigest()


def _fill(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def list_recipes(home: Home) -> list[Kit]:
    """Return the usable recipes by name; a broken one of the user's is left out (`check` says why)."""
    kits: dict[str, Kit] = {}
    for root, own in ((SHIPPED, False), (home.recipes, True)):
        for file in sorted(root.glob("*/recipe.yaml")):
            try:
                kits[file.parent.name] = read_recipe(file.parent, own=own)
            except ConfigError:
                if not own:
                    raise
    return [kits[name] for name in sorted(kits)]


def load_recipe(name: str, home: Home) -> Kit:
    """Return a recipe by name, the user's before ours. Raises UnknownId, or ConfigError when it is broken."""
    for root, own in ((home.recipes, True), (SHIPPED, False)):
        folder = root / name
        if "/" not in name and (folder / "recipe.yaml").is_file():
            return read_recipe(folder, own=own)
    known = [file.parent.name for root in (SHIPPED, home.recipes) for file in root.glob("*/recipe.yaml")]
    near = nearest(name, known)
    raise UnknownId("recipe", name, hint=f"did you mean {near!r}?" if near else "workbench recipes list")


def read_recipe(folder: Path, *, own: bool = False) -> Kit:
    """Return the recipe in `folder`. Raises ConfigError with file, line and path of the first fault."""
    file = folder / "recipe.yaml"
    try:
        text = file.read_text(encoding="utf-8")
        recipe = msgspec.convert(yaml.safe_load(text), Recipe)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't be read: {error}", file=str(file)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(
            f"not YAML: {error}", file=str(file), line=mark.line + 1 if mark else None
        ) from None
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        steps = split_path(path.strip("`") or "$")
        raise ConfigError(
            what, file=str(file), line=line_of(text, steps), path=path.strip("`") or None
        ) from None
    kit = Kit(recipe=recipe, folder=folder, own=own)
    _check(kit, file)
    return kit


def _check(kit: Kit, file: Path) -> None:
    """Check what a schema can't: that named files are there and template paths are plain."""
    recipe = kit.recipe
    if recipe.name != kit.folder.name:
        raise ConfigError(
            f"name is {recipe.name!r}, the folder {kit.folder.name!r}", file=str(file), path="name"
        )
    tools = recipe.toolchain
    needed = {"python": ("requirements", tools.requirements), "node": ("lockfile", tools.lockfile)}[
        tools.kind
    ]
    if needed[1] is not None and not (kit.folder / needed[1]).is_file():
        raise ConfigError(f"{needed[1]} is not there", file=str(file), path=f"toolchain.{needed[0]}")
    names = [gate.name for gate in recipe.gates]
    if len(set(names)) != len(names):
        raise ConfigError("two gates have the same name", file=str(file), path="gates")
    for path in kit.template_paths():
        try:
            check_path(path.replace("{{", "").replace("}}", ""))
        except PathRefused as refused:
            raise ConfigError(refused.message, file=str(file), path="template") from None
