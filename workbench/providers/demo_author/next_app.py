"""Apps for the recipe ``next-app``: the same parts as other pages, in Next.js's places."""

from __future__ import annotations

from workbench.domain.text import one_line
from workbench.providers.demo_author import quoting
from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.project import File, Project, template
from workbench.providers.demo_author.web import site as sites

_LAYOUT = sites.Layout(
    components="components",
    content="lib/content.ts",
    content_import="@/lib/content",
    directive='"use client";\n\n',
)
_STYLES = "app/globals.css"
_FRAME = ("Footer", "Header")
"""Components that the layout shows on every page."""


def write(brief: Brief) -> Project:
    """Return the app for `brief`."""
    site = sites.plan(brief, _LAYOUT)
    return Project(
        summary=f"A Next.js app: a front page of {len(site.sections) + 1} parts about {brief.topic}.",
        files=(
            sites.content_file(site),
            sites.style_file(site, _STYLES),
            *sites.component_files(site),
            _layout(site),
            _page(site),
            _not_found(site),
            sites.readme_file(site, "npm run build\nnpm run start"),
        ),
        acceptance=(*sites.acceptance(site), "an address without a page answers 404 and leads back"),
        mistake=sites.mistake(site),
    )


def _layout(site: sites.Site) -> File:
    values = {
        "title": quoting.javascript(f"{site.name}: {site.brief.topic}"),
        "description": quoting.javascript(one_line(site.brief.text, 160)),
        "keywords": ", ".join(quoting.javascript(word) for word in site.keywords[:12]),
    }
    return File(
        path="app/layout.tsx",
        purpose="The frame of every page, and what search engines read",
        content=template("next_app/layout.tsx", values),
        depends_on=(_STYLES, *map(site.component_path, _FRAME)),
    )


def _page(site: sites.Site) -> File:
    used = [name for name in site.used if name not in _FRAME]
    imports = [f'import {{ {name} }} from "@/components/{name}";' for name in used]
    imports.append(f'import {{ {site.data_names()} }} from "@/lib/content";')
    values = {"imports": "\n".join(imports), "sections": site.elements(" " * 6)}
    return File(
        path="app/page.tsx",
        purpose="The front page: its sections from top to bottom",
        content=template("next_app/page.tsx", values),
        depends_on=(_LAYOUT.content, *map(site.component_path, used)),
    )


def _not_found(site: sites.Site) -> File:
    return File(
        path="app/not-found.tsx",
        purpose="What is shown where there is no page",
        content=template("next_app/not-found.tsx", {}),
        depends_on=(site.layout.content,),
    )
