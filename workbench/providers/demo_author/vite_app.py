"""Pages for the recipe ``vite-app``: React components, rendered to HTML when the app is built."""

from __future__ import annotations

from workbench.domain.text import one_line
from workbench.providers.demo_author import quoting
from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.project import File, Project, template
from workbench.providers.demo_author.web import site as sites

_LAYOUT = sites.Layout(components="src/components", content="src/content.ts", content_import="../content")
_STYLES = "src/styles.css"


def write(brief: Brief) -> Project:
    """Return the page for `brief`."""
    site = sites.plan(brief, _LAYOUT)
    components = sites.component_files(site)
    return Project(
        summary=f"A page of {len(site.sections) + 1} parts about {brief.topic}, rendered when it is built.",
        files=(
            sites.content_file(site),
            sites.style_file(site, _STYLES),
            *components,
            _app(site, [file.path for file in components]),
            _index(site),
            sites.readme_file(site, "npm run build\nnpm run preview"),
        ),
        acceptance=sites.acceptance(site),
        mistake=sites.mistake(site),
    )


def _app(site: sites.Site, components: list[str]) -> File:
    imports = [f'import {{ {name} }} from "./components/{name}";' for name in site.used]
    imports += [f'import {{ {site.data_names()} }} from "./content";', 'import "./styles.css";']
    values = {"imports": "\n".join(imports), "sections": site.elements(" " * 8)}
    return File(
        path="src/App.tsx",
        purpose="The page: its sections from top to bottom",
        content=template("vite_app/App.tsx", values),
        depends_on=(_LAYOUT.content, _STYLES, *components),
    )


def _index(site: sites.Site) -> File:
    values = {
        "title": quoting.markup(f"{site.name}: {site.brief.topic}"),
        "description": quoting.markup(one_line(site.brief.text, 160)),
        "keywords": quoting.markup(", ".join(site.keywords)),
    }
    return File(
        path="index.html",
        purpose="The HTML that the page is rendered into: title, description, root",
        content=template("vite_app/index.html", values),
    )
