"""A small library in the making: what a domain decides for a brief, and how its files come of it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

import msgspec

from workbench.providers.demo_author import quoting
from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.project import File, Mistake, template

LINE_LENGTH = 110


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """A domain's answer to one brief: which module it makes, and what fills its templates."""

    module: str
    """Name of the one module, and of the templates' folder."""
    summary: str
    """One sentence, for docstrings and plans; made by the domain, so free of foreign text."""
    exports: tuple[str, ...]
    values: dict[str, str]
    right: str
    """A line of the module that matters, as it stands there."""
    wrong: str
    """The same line as a tired author would write it."""
    caught_by: str
    """Name of a test that then fails, as a pattern."""
    acceptance: tuple[str, ...]
    tested: tuple[str, ...] = ()
    """Names that the tests import, where those can't stand in the template."""


class Core(msgspec.Struct, frozen=True, kw_only=True):
    """A library with its place: the package ``<folder>/<package>``, imported as `package`."""

    brief: Brief
    library: Library
    package: str
    folder: str
    """Folder that holds the package, with a slash at its end; empty for the root."""

    @property
    def module_path(self) -> str:
        """Path of the module."""
        return self.path(self.library.module)

    @property
    def test_path(self) -> str:
        """Path of the module's tests."""
        return f"tests/test_{self.library.module}.py"

    @property
    def values(self) -> dict[str, str]:
        """What fills the templates of the library and of programs around it."""
        return self.library.values | {
            "package": self.package,
            "import_line": import_line(self.package, self.library.tested),
            "name": self.brief.name,
            "module": self.library.module,
            "summary": self.library.summary,
            "brief": quoting.docstring(self.brief.line),
            "quoted": quoting.markdown(self.brief.text),
        }

    def path(self, module: str) -> str:
        """Return the path of a module of the package."""
        return f"{self.folder}{self.package}/{module}.py"

    def files(self) -> tuple[File, ...]:
        """Return the module, the package's ``__init__`` and the module's tests."""
        names = by_type(self.library.exports)
        listed = {
            "imports": "\n".join(f"    {name}," for name in names),
            "exports": "\n".join(f'    "{name}",' for name in names),
        }
        init = self.path("__init__")
        return (
            self.file(self.module_path, self.library.summary, f"domains/{self.library.module}/module.py"),
            self.file(
                init, "The public names of the package", "domains/init.py", (self.module_path,), listed
            ),
            self.file(
                self.test_path,
                "Tests that pin what the library promises, errors included",
                f"domains/{self.library.module}/test.py",
                (self.module_path, init),
            ),
        )

    def file(
        self,
        path: str,
        purpose: str,
        name: str,
        depends_on: tuple[str, ...] = (),
        values: Mapping[str, str] | None = None,
    ) -> File:
        """Return the file `path` out of the template `name`, filled with our values and `values`."""
        content = template(name, self.values | dict(values or {}))
        return File(path=path, purpose=purpose, content=content, depends_on=depends_on)

    def mistake(self) -> Mistake:
        """Return the slip of a tired author, which the module's tests catch."""
        library = self.library
        symptom = rf"\b{library.caught_by}"
        return Mistake(path=self.module_path, right=library.right, wrong=library.wrong, symptom=symptom)


def import_line(package: str, names: Iterable[str]) -> str:
    """Return the import of `names` from `package`, wrapped where one line would be too long."""
    ordered = by_type(names)
    line = f"from {package} import {', '.join(ordered)}"
    if len(line) <= LINE_LENGTH:
        return line
    return f"from {package} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")"


def by_type(names: Iterable[str]) -> list[str]:
    """Return `names` as import sorters want them: constants, classes, then functions."""
    return sorted(names, key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name))


def used_in(source: str, names: Iterable[str]) -> list[str]:
    """Return those of `names` that `source`, valid Python, uses."""
    found = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    return [name for name in names if name in found]
