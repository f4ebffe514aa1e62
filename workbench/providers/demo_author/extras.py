"""Files that a person asks for: in feedback to a plan, or by writing them into the plan."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from workbench.providers.demo_author import quoting
from workbench.providers.demo_author.brief import unwanted_words
from workbench.providers.demo_author.project import File, Project
from workbench.providers.demo_author.prompt import Prompt

_PATH = re.compile(r"[\w-]+(?:/[\w-]+)*\.md\b", re.ASCII)
MAX_EXTRA = 3


def revised(project: Project, feedback: Iterable[str], allowed: Sequence[str]) -> tuple[File, ...]:
    """Return the files of `project` with the documents that `feedback` asks for, without those it forbids.

    Only Markdown files come and go: code stays, since the program would not be whole without it.
    """
    files = list(project.files)
    for text in feedback:
        unwanted = {word.removesuffix(".md") for word in unwanted_words(text)}
        files = [file for file in files if _stem(file.path) not in unwanted or not file.path.endswith(".md")]
        there = {file.path for file in files}
        wanted = [path for path in _PATH.findall(text) if path not in there and _stem(path) not in unwanted]
        fitting = [path for path in dict.fromkeys(wanted) if _allows(allowed, path)]
        files += [_document(path) for path in fitting[:MAX_EXTRA]]
    return tuple(files)


def unplanned(path: str, prompt: Prompt) -> File:
    """Return a small, valid file for a path that only the plan's reader knows about."""
    note = f"{PurePosixPath(path).name}: part of {prompt.name}"
    writer = _WRITERS.get(PurePosixPath(path).suffix, _plain)
    return File(path=path, purpose=note, content=writer(note, prompt))


def _stem(path: str) -> str:
    return PurePosixPath(path).stem.lower()


def _allows(patterns: Sequence[str], path: str) -> bool:
    """Tell whether a Markdown path is one of the allowed, or in a folder that allows any."""
    folder = path.split("/", maxsplit=1)[0] + "/**/*.md" if "/" in path else "*.md"
    return any(pattern in {path, folder, "**/*.md", "**"} for pattern in patterns)


def _document(path: str) -> File:
    title = PurePosixPath(path).stem.replace("-", " ").replace("_", " ").capitalize()
    return File(path=path, purpose=f"{title}, as asked in the feedback", content=f"# {title}\n")


def _markdown(note: str, prompt: Prompt) -> str:
    return f"# {note}\n\nThe brief was:\n\n{quoting.markdown(prompt.brief)}\n"


def _python(note: str, prompt: Prompt) -> str:
    if PurePosixPath(prompt.marker.path).name.startswith("test_"):
        return (
            f'"""{note}."""\n\nimport {prompt.package}\n\n\n'
            f"def test_the_package_can_be_imported() -> None:\n"
            f'    assert {prompt.package}.__name__ == "{prompt.package}"\n'
        )
    return f'"""{note}."""\n'


def _script(note: str, prompt: Prompt) -> str:
    return f"/** {note} */\nexport const brief = {quoting.javascript(prompt.brief[:2000])};\n"


def _component(note: str, prompt: Prompt) -> str:
    return (
        f"/** {note} */\nexport default function Note() {{\n"
        f"  return <p>{{{quoting.javascript(prompt.brief[:2000])}}}</p>;\n}}\n"
    )


def _style(note: str, _prompt: Prompt) -> str:
    return f"/* {note} */\n:root {{\n  color-scheme: light dark;\n}}\n"


def _data(note: str, prompt: Prompt) -> str:
    return json.dumps({"note": note, "brief": prompt.brief[:2000]}, indent=2) + "\n"


def _plain(note: str, _prompt: Prompt) -> str:
    return note + "\n"


_WRITERS = {
    ".md": _markdown,
    ".py": _python,
    ".ts": _script,
    ".tsx": _component,
    ".css": _style,
    ".json": _data,
}
