"""A library in the making: what a domain decides, and how its files come of it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from workbench.providers.demo_author import quoting
from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.project import File, Mistake, Project, template

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
    """Name of a test that then fails."""
    acceptance: tuple[str, ...]


def project(brief: Brief, library: Library) -> Project:
    """Return the files of `library`, rendered."""
    module = library.module
    values = library.values | {
        "package": brief.package,
        "name": brief.name,
        "module": module,
        "summary": library.summary,
        "brief": quoting.docstring(brief.line),
    }
    values["usage"] = template(f"python_lib/{module}/usage.md", values).rstrip()
    values["quoted"] = quoting.markdown(brief.text)
    values["imports"] = "\n".join(f"    {name}," for name in by_type(library.exports))
    values["exports"] = "\n".join(f'    "{name}",' for name in by_type(library.exports))
    code, init = f"src/{brief.package}/{module}.py", f"src/{brief.package}/__init__.py"
    test = f"tests/test_{module}.py"
    return Project(
        summary=library.summary,
        files=(
            File(
                path=code, purpose=library.summary, content=template(f"python_lib/{module}/module.py", values)
            ),
            File(
                path=init,
                purpose="The public names of the package",
                content=template("python_lib/init.py", values),
                depends_on=(code,),
            ),
            File(
                path=test,
                purpose="Tests that pin what the library promises, errors included",
                content=template(f"python_lib/{module}/test.py", values),
                depends_on=(code, init),
            ),
            File(
                path="README.md",
                purpose="What the library is for and how it is used",
                content=template("python_lib/readme.md", values),
                depends_on=(code,),
            ),
        ),
        acceptance=library.acceptance,
        mistake=Mistake(
            path=code, right=library.right, wrong=library.wrong, symptom=rf"\b{library.caught_by}\b"
        ),
    )


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
