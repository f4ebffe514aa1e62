"""web_smoke against real servers in the sandbox, each broken in its own way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from tests.workflow.backends import backend_of
from workbench.domain.events import RunEvent, SmokeOutput
from workbench.workflow.gates import Runner
from workbench.workflow.recipe import Recipe
from workbench.workflow.sandbox import Backend, CleanProcess, Toolbox
from workbench.workflow.serving import port_is_free
from workbench.workflow.smoke import SmokeReport, web_smoke

pytestmark = pytest.mark.sandbox

SERVER = ["python3", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]
PAGE = '<html><title>x</title><script src="/app.js"></script><h1>Bread and cake</h1></html>'
Smoke = Callable[..., Any]


@pytest.fixture(params=["bubblewrap", "namespaces", "clean"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend that works here."""
    return backend_of(request.param)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A static site."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "index.html").write_text(PAGE)
    (folder / "app.js").write_text("const hours = 'opening hours'")
    return folder


def recipe(*pages: dict[str, Any], argv: list[str] | None = None, **serve: Any) -> Recipe:
    document = {
        "version": 1,
        "name": "site",
        "title": "t",
        "summary": "s",
        "toolchain": {"kind": "python"},
        "allowed": ["*"],
        "gates": [{"name": "build", "argv": ["test", "-f", "index.html"], "proves": "built", "smoke": True}],
        "serve": {"argv": argv or SERVER, "pages": list(pages) or [{"path": "/"}], **serve},
    }
    return msgspec.convert(document, Recipe)


async def smoke(backend: Backend, app: Path, of: Recipe, **options: Any) -> tuple[SmokeReport, list[str]]:
    events: list[RunEvent] = []
    logs = app.parent / "gates"
    logs.mkdir(exist_ok=True)
    runner = Runner(app=app, logs=logs, backend=backend, tools=Toolbox(), emit=events.append)
    report = await web_smoke(
        of, runner, brief=options.pop("brief", ""), folder=app.parent, emit=events.append, **options
    )
    return report, [event.text for event in events if isinstance(event, SmokeOutput)]


def problems(report: SmokeReport) -> list[tuple[str, str]]:
    return [(check.what, check.problem) for check in report.checks if check.problem]


async def test_a_good_site_passes(backend: Backend, app: Path) -> None:
    """Built, served, fetched, checked, stopped; each check is a line of the log."""
    of = recipe(
        {
            "path": "/",
            "content_type": "text/html",
            "contains": ["<h1>"],
            "lacks": ["Error"],
            "brief_words": True,
        },
        {"path": "/nope", "status": 404},
        {"path": "/app.js", "headers": {"Server": "SimpleHTTP"}},
    )
    report, lines = await smoke(backend, app, of, brief="bread, cake and opening hours")
    assert problems(report) == []
    assert report.passed
    assert report.words == ["bread", "cake", "opening", "hours"]
    assert len(lines) == len(report.checks) == 13
    assert all(line.startswith("ok ") for line in lines)


async def test_each_fault_is_told(app: Path) -> None:
    """Status, type, content, header and words that are not as declared fail it, each by name."""
    of = recipe(
        {"path": "/", "status": 201, "content_type": "application/json", "contains": ["<h2>"]},
        {"path": "/app.js", "lacks": ["hours"], "headers": {"X-None": "y"}},
        {"path": "/index.html", "brief_words": True},
    )
    report, _ = await smoke(CleanProcess(), app, of, brief="volcano, glacier and cake")
    assert [what for what, _ in problems(report)] == [
        "/ has status 201",
        "/ is application/json",
        "/ contains '<h2>'",
        "/app.js has X-None: y",
        "/app.js lacks 'hours'",
        "/index.html speaks of the brief (1 of 3 words; 2 are needed)",
    ]
    assert not report.passed


async def test_a_failed_build_is_not_served(app: Path) -> None:
    """The build's failure is the verdict; no server is started."""
    (app / "index.html").unlink()
    report, _ = await smoke(CleanProcess(), app, recipe())
    assert [what for what, _ in problems(report)] == ["build (built)"]
    assert len(report.checks) == 1


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["python3", "-c", "print('port {port} is cursed')"], "the server ended: port"),
        (["sleep", "60"], "no answer"),
        (["no-such-server"], "the server ended"),
    ],
)
async def test_a_server_that_does_not_answer_fails_it(
    backend: Backend, app: Path, argv: list[str], says: str
) -> None:
    """It ends at once, or never answers: told with the end of its log, and nothing is left."""
    report, _ = await smoke(backend, app, recipe(argv=argv, ready_timeout_s=1.5))
    assert says in problems(report)[0][1]


async def test_a_missing_script_fails_it(app: Path) -> None:
    """A page whose script is not there is broken, whatever words it has."""
    (app / "app.js").unlink()
    report, _ = await smoke(
        CleanProcess(), app, recipe({"path": "/", "brief_words": True}), brief="bread cake"
    )
    assert problems(report) == [("/app.js has status 200", "it has 404")]


async def test_a_kept_server_stays_until_its_pid_is_ended(backend: Backend, app: Path) -> None:
    """With keep_server the address answers on; the pid ends everything and frees the port."""
    report, _ = await smoke(backend, app, recipe(), keep_server=True)
    assert report.url is not None
    assert report.pid is not None
    port = int(report.url.rsplit(":", 1)[1])
    assert not port_is_free(port)
    keeper = psutil.Process(report.pid)
    family = [keeper, *keeper.children(recursive=True)]
    keeper.terminate()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    assert port_is_free(port)


async def test_a_recipe_without_a_server_fails(app: Path) -> None:
    """There is nothing to smoke."""
    of = msgspec.structs.replace(recipe(), serve=None)
    report, _ = await smoke(CleanProcess(), app, of)
    assert problems(report) == [("the recipe says how to serve", "site has no serve section")]
