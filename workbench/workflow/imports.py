"""Dependencies come from the recipe: what a written file imports is checked before it is kept.

Python is read with its own parser, JavaScript and TypeScript by their import forms. A file that does not
parse is let through: the gates say that better.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from workbench.workflow.answers import Refused

_SCRIPTS = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts"})
_JS_IMPORT = re.compile(
    r"""^\s*(?:import|export)\s[^'"`;]*?\bfrom\s*["']([^"']+)["']
    |^\s*import\s*["']([^"']+)["']
    |\b(?:import|require)\s*\(\s*["']([^"']+)["']\s*\)""",
    re.M | re.X,
)
_JS_OWN = (".", "/", "@/", "~", "#")
_NODE = frozenset(
    {"assert", "buffer", "child_process", "crypto", "events", "fs", "http", "https", "net", "os", "path"}
    | {"process", "stream", "timers", "url", "util", "zlib"}
)
_TEST_TOOLS = frozenset({"pytest"})


def check_imports(path: str, content: str, *, dependencies: Collection[str], files: Collection[str]) -> None:
    """Raise Refused when a file imports what is neither the language's, the app's nor a dependency.

    `files` are all paths of the app, planned ones included; its packages are read off them.
    """
    kind = PurePosixPath(path).suffix
    if kind == ".py":
        foreign = _foreign_python(path, content, dependencies, files)
    elif kind in _SCRIPTS:
        foreign = _foreign_script(content, dependencies)
    else:
        return
    names = sorted(set(foreign))
    if names:
        known = ", ".join(dependencies) or "none"
        raise Refused(f"imports {', '.join(names)}, not among the dependencies ({known})", path=path)


def _foreign_python(
    path: str, content: str, dependencies: Collection[str], files: Collection[str]
) -> Iterable[str]:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return []
    allowed = {*sys.stdlib_module_names, *_own_modules(files)}
    allowed |= {name.replace("-", "_").lower() for name in dependencies}
    if path.startswith("tests/") or PurePosixPath(path).name.startswith(("test_", "conftest")):
        allowed |= _TEST_TOOLS
    return [name for name in _python_imports(tree) if name not in allowed and name.lower() not in allowed]


def _python_imports(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def _own_modules(files: Collection[str]) -> Iterable[str]:
    """Yield the names by which the app's own files are imported: from its root, ``src`` and ``tests``."""
    for file in files:
        if not file.endswith(".py"):
            continue
        parts = PurePosixPath(file).with_suffix("").parts
        yield parts[0]
        if len(parts) > 1 and parts[0] in {"src", "tests"}:
            yield parts[1]


def _foreign_script(content: str, dependencies: Collection[str]) -> Iterable[str]:
    for match in _JS_IMPORT.finditer(content):
        specifier = match[1] or match[2] or match[3]
        if specifier.startswith(_JS_OWN) or ":" in specifier:
            continue
        parts = specifier.split("/")
        name = "/".join(parts[:2]) if specifier.startswith("@") else parts[0]
        if name not in dependencies and name not in _NODE:
            yield name
