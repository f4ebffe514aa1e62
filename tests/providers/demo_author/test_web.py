"""Pages: their words come from the brief, and hostile briefs stay text."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.demo_author.talk import NASTY, Talk, random_brief, rng
from workbench.workflow.brief import brief_words

WEB = ("vite-app", "next-app")
CONTENT = {"vite-app": "src/content.ts", "next-app": "lib/content.ts"}
BAKERY = "a landing page for a bakery with a menu and opening hours"
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')


class Text(html.parser.HTMLParser):
    """Collects tags and attribute values."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.values: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [value or "" for _, value in attrs]


@pytest.mark.parametrize("recipe", WEB)
def test_the_brief_decides_the_parts(recipe: str) -> None:
    """A bakery with a menu and hours gets both; a portfolio gets other parts."""
    bakery = Talk(recipe, BAKERY).files()[CONTENT[recipe]]
    assert "export const menu" in bakery
    assert "export const hours" in bakery
    assert "Sourdough loaf" in bakery
    studio = Talk(recipe, "a photo portfolio with questions and answers").files()[CONTENT[recipe]]
    assert "export const works" in studio
    assert "export const questions" in studio
    assert "export const menu" not in studio


@pytest.mark.parametrize("recipe", WEB)
def test_random_briefs_give_other_pages_with_their_words(recipe: str) -> None:
    """No two briefs give the same page, and every telling word of a brief stands in its page."""
    random_ = rng()
    pages = set()
    for _ in range(5):
        brief = random_brief(random_)
        content = Talk(recipe, brief).files()[CONTENT[recipe]].lower()
        pages.add(content)
        assert [word for word in brief_words(brief) if word not in content] == []
    assert len(pages) == 5


@pytest.mark.parametrize("recipe", WEB)
@given(brief=st.text(max_size=200) | st.sampled_from(NASTY))
@settings(max_examples=40, deadline=None)
def test_text_in_content_stays_in_literals(recipe: str, brief: str) -> None:
    """Each literal of the content is JSON; without them only plain code is left, no markup, no template."""
    content = Talk(recipe, brief).files()[CONTENT[recipe]]
    for literal in _LITERAL.findall(content):
        json.loads(literal)
    code = _LITERAL.sub('""', content)
    assert set(code) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \n\"{}[]:;,.=*/-_'"
    )
    assert "`" not in code


@given(brief=st.text(max_size=200) | st.sampled_from(NASTY))
@settings(max_examples=40, deadline=None)
def test_the_index_has_the_same_tags_whatever_the_brief(brief: str) -> None:
    """A brief can't add an element or an attribute to the page's frame."""
    index = Talk("vite-app", brief).files()["index.html"]
    page, plain = Text(), Text()
    page.feed(index)
    plain.feed(Talk("vite-app", BAKERY).files()["index.html"])
    assert page.tags == plain.tags
    assert len(page.values) == len(plain.values)
    assert '<div id="root"></div>' in index


def test_flaky_slips_in_a_property_and_reads_the_compiler() -> None:
    """The slip is a wrong property; the compiler's line about it leads to the mended file."""
    talk = Talk("vite-app", BAKERY, "demo-flaky")
    files = talk.files()
    path = "src/components/Hero.tsx"
    log = f"{path}(11,31): error TS2551: Property 'leed' does not exist on type '{{ lead: string }}'."
    assert "site.leed" in files[path]
    assert talk.repair("types", log, files) == {path: Talk("vite-app", BAKERY).files()[path]}
    assert talk.repair("types", "out of memory", {path: files[path]}) == {path: files[path]}


@pytest.mark.node
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_pages_compile_and_render(tmp_path: Path) -> None:
    """Strict TypeScript holds for hostile and random briefs alike, and the built page has the words in it."""
    random_ = rng()
    briefs = [*NASTY, *(random_brief(random_) for _ in range(4)), BAKERY]
    talk = Talk("vite-app", BAKERY)
    talk.write(tmp_path)
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], tmp_path)
    for number, brief in enumerate(briefs):
        for path, text in Talk("vite-app", brief).files().items():
            if path.startswith("src/"):
                target = tmp_path / "src" / f"brief{number}" / path.removeprefix("src/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
    for gate in talk.kit.recipe.gates:
        _run(gate.argv, tmp_path)
    page = (tmp_path / "dist/index.html").read_text().lower()
    assert [word for word in brief_words(BAKERY) if word not in page] == []
    assert "<h1>bakery" in page


def _run(argv: list[str], folder: Path) -> None:
    outcome = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
