"""A page as a set of files, wherever a framework wants them."""

from __future__ import annotations

import re

import msgspec

from workbench.domain.text import one_line
from workbench.providers.demo_author import quoting
from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.project import File, Mistake, template
from workbench.providers.demo_author.web.sections import Section, choose

_FRAME = ("Header", "Hero", "Footer")
_FONTS = ('Georgia, "Times New Roman", serif', "system-ui, sans-serif", '"Trebuchet MS", Verdana, sans-serif')
_PURPOSES = {
    "Header": "The site's name and the links to its sections",
    "Hero": "Who we are, in a line and a paragraph",
    "Footer": "The end of the page",
    "Cards": "A row of cards",
    "PriceList": "Offers with prices, filtered by group",
    "Hours": "A table of opening hours",
    "Questions": "Questions that unfold",
    "Contact": "Address, and a form for a note",
}


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where a framework wants things."""

    components: str
    """Folder of the components."""
    content: str
    """Path of the module that holds all words."""
    content_import: str
    """That module as a component imports it."""
    directive: str = ""
    """First line of a component that runs in the browser."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A page: its parts, and the texts that are the same in every framework."""

    brief: Brief
    sections: list[Section]
    layout: Layout

    @property
    def name(self) -> str:
        """What the site is called."""
        first = self.brief.words[0].capitalize()
        return f"{first} {self.brief.pick(('Corner', 'House', 'Lane', 'Works', 'Yard', 'Room'), 'name')}"

    @property
    def lead(self) -> str:
        """The brief, or its beginning, on one line."""
        return one_line(self.brief.text, 320) or "Nothing was said, so everything is possible."

    @property
    def keywords(self) -> list[str]:
        """The brief's own words, in any script, each once."""
        words = re.findall(r"[^\W\d_][\w'-]*", one_line(self.brief.text, 4000).lower())
        return list(dict.fromkeys(word[:40] for word in words if len(word) > 2))[:40]

    @property
    def used(self) -> list[str]:
        """Names of the components, sorted."""
        return sorted({*_FRAME, *(section.component for section in self.sections)})

    def component_path(self, name: str) -> str:
        """Return the path of a component."""
        return f"{self.layout.components}/{name}.tsx"

    def elements(self, indent: str) -> str:
        """Return the sections as JSX, a line each."""
        return "\n".join(indent + _element(section) for section in self.sections)

    def data_names(self) -> str:
        """Return the names that a page imports from the content module."""
        return ", ".join(sorted(section.id for section in self.sections if section.prop))


def plan(brief: Brief, layout: Layout) -> Site:
    """Return the page for `brief`."""
    return Site(brief=brief, sections=choose(brief), layout=layout)


def content_file(site: Site) -> File:
    """Return the module that holds all words."""
    interfaces = dict.fromkeys(section.interface for section in site.sections if section.interface)
    labels = [
        f"  {{ id: {quoting.javascript(section.id)}, label: {quoting.javascript(section.label)} }},"
        for section in site.sections
    ]
    values = {
        "types": "\n\n".join(interfaces),
        "name_text": quoting.javascript(site.name),
        "tagline": quoting.javascript(f"All about {site.brief.topic}"),
        "lead": quoting.javascript(site.lead),
        "brief_text": quoting.javascript(one_line(site.brief.text, 200)),
        "sections": "\n".join(labels),
        "data": "\n\n".join(section.data for section in site.sections),
    }
    purpose = "All words and figures of the page, typed"
    return File(path=site.layout.content, purpose=purpose, content=template("web/content.ts", values))


def component_files(site: Site) -> list[File]:
    """Return the components that the page uses."""
    values = {"content": site.layout.content_import, "directive": site.layout.directive}
    return [
        File(
            path=site.component_path(name),
            purpose=_PURPOSES[name],
            content=template(f"web/{name}.tsx", values),
            depends_on=(site.layout.content,),
        )
        for name in site.used
    ]


def style_file(site: Site, path: str) -> File:
    """Return the style sheet; colours, corners and letters follow the brief's seed."""
    values = {
        "hue": str(site.brief.seed % 360),
        "radius": str(site.brief.seed // 360 % 13),
        "font": site.brief.pick(_FONTS, "font"),
    }
    return File(path=path, purpose="Colours, type and layout", content=template("web/styles.css", values))


def readme_file(site: Site, commands: str) -> File:
    """Return the README; `commands` are the lines that build and serve."""
    values = {
        "name": site.brief.name,
        "parts": ", ".join(section.label.lower() for section in site.sections),
        "quoted": quoting.markdown(site.brief.text),
        "commands": commands,
        "content_path": site.layout.content,
        "components": site.layout.components,
    }
    return File(path="README.md", purpose="What the page is", content=template("web/readme.md", values))


def acceptance(site: Site) -> tuple[str, ...]:
    """Return what must hold of the page when it is done."""
    return (
        *(f"the page has a part {section.label!r}" for section in site.sections),
        "the server sends the whole text of the page before any script runs",
    )


def mistake(site: Site) -> Mistake:
    """Return the slip of a tired author: a property that is not there, which the compiler tells."""
    path = site.component_path("Hero")
    return Mistake(path=path, right="{site.lead}", wrong="{site.leed}", symptom=r"Hero\.tsx.*'leed'")


def _element(section: Section) -> str:
    data = f" {section.prop}={{{section.id}}}" if section.prop else ""
    return f'<{section.component} id="{section.id}" heading="{section.label}"{data} />'
