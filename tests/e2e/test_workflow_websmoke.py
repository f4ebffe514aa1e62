"""web-smoke on a real Vite app: built, served, fetched, stopped; broken pages fail it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import ROOT, Cli, RouterProcess, clean_environment

pytestmark = [
    pytest.mark.node,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("npm") is None, reason="Node and npm are not installed"),
]
BRIEF = "a landing page for a bakery with a menu and opening hours"


@pytest.fixture(scope="module")
def bakery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, str]]:
    """A home with one generated Vite app, and the run's id."""
    home = tmp_path_factory.mktemp("web") / "home"
    router = RouterProcess(home).start()
    try:
        report = router.cli.json("generate", BRIEF, "--recipe", "vite-app", "--model", "demo", timeout=180)
        yield router.cli, report["run"]
    finally:
        router.stop()


def app_of(bakery: tuple[Cli, str]) -> Path:
    return bakery[0].home / "apps" / "generated" / bakery[1]


@pytest.fixture
def changed(bakery: tuple[Cli, str]) -> Iterator[Path]:
    """The app's folder; set back to its last commit afterwards."""
    app = app_of(bakery)
    yield app
    subprocess.run(["git", "-c", "safe.directory=*", "checkout", "--quiet", "."], cwd=app, check=True)


def test_generate_built_and_smoked_it(bakery: tuple[Cli, str]) -> None:
    """The run has a smoke step; its report says what was checked, the brief's words included."""
    cli, run = bakery
    report = json.loads((cli.home / "artifacts" / "runs" / run / "report.json").read_text())
    assert report["smoke"]["passed"] is True
    assert report["smoke"]["words"] == ["bakery", "menu", "opening", "hours"]
    assert any("4 of 4 words" in check["what"] for check in report["smoke"]["checks"])
    assert [step["kind"] for step in report["steps"]][-1] == "smoke"


def test_it_passes_again_with_the_same_verdict(bakery: tuple[Cli, str]) -> None:
    """Two smokes of the same app check the same things and agree."""
    cli, run = bakery
    first, second = (cli.json("web-smoke", run) for _ in range(2))
    assert first["passed"]
    assert first["checks"] == second["checks"]


@pytest.mark.parametrize(
    ("path", "old", "new", "says"),
    [
        ("src/App.tsx", "return", "return return", "build"),
        ("src/App.tsx", "export default", 'import "./nowhere";\nexport default', "build"),
        ("src/App.tsx", "return", 'throw new Error("broken while rendering");\n  return', "build"),
        ("index.html", '<div id="root"></div>', "", "build"),
    ],
)
def test_a_broken_page_fails_it(
    bakery: tuple[Cli, str], changed: Path, path: str, old: str, new: str, says: str
) -> None:
    """A syntax error, a missing import, a throw while rendering, a missing root: exit 1 and the reason."""
    text = (changed / path).read_text()
    assert old in text
    (changed / path).write_text(text.replace(old, new, 1))
    done = bakery[0].run("web-smoke", bakery[1], "--json", exit_code=1)
    report = json.loads(done.stdout)
    assert any(says in check["what"] for check in report["checks"] if check["problem"])


def test_a_page_about_something_else_fails_it(bakery: tuple[Cli, str]) -> None:
    """The brief's words are looked for in what the server sent."""
    done = bakery[0].run(
        "web-smoke", bakery[1], "--brief", "volcanoes glaciers tectonics", "--json", exit_code=1
    )
    problems = [check["problem"] for check in json.loads(done.stdout)["checks"] if check["problem"]]
    assert problems == ["missing: volcanoes, glaciers, tectonics"]


def test_keep_server_leaves_it_and_a_kill_ends_it_all(bakery: tuple[Cli, str]) -> None:
    """The kept server answers after the command ended; ending its pid leaves nothing."""
    report = bakery[0].json("web-smoke", bakery[1], "--keep-server")
    family = psutil.Process(report["pid"]).children(recursive=True)
    try:
        with urllib.request.urlopen(report["url"], timeout=10) as answer:
            assert b"bakery" in answer.read().lower()
    finally:
        os.kill(report["pid"], signal.SIGTERM)
    gone, alive = psutil.wait_procs(family, timeout=10)
    assert (len(gone) > 0, alive) == (True, [])


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_a_throw_in_the_browser_is_seen(bakery: tuple[Cli, str], changed: Path) -> None:
    """An error that only a browser meets fails --browser, with a screenshot; without --browser it passes."""
    main = changed / "src" / "main.tsx"
    main.write_text(main.read_text() + '\nsetTimeout(() => { throw new Error("only here"); }, 10);\n')
    assert bakery[0].json("web-smoke", bakery[1])["passed"]
    done = bakery[0].run("web-smoke", bakery[1], "--browser", "--json", exit_code=1)
    report = json.loads(done.stdout)
    assert [check["problem"] for check in report["checks"] if check["problem"]] == [
        "uncaught: Error: only here"
    ]
    assert Path(report["screenshot"]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_next_app_end_to_end(router: RouterProcess) -> None:
    """The script generates a Next app, runs tsc and a real build, and smokes what is served."""
    done = subprocess.run(
        [ROOT / "scripts" / "e2e_websmoke_test.sh"],
        env=clean_environment(RUN_QA="1", WORKBENCH_HOME=str(router.home)),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "speaks of the brief (4 of 4 words" in done.stdout


def test_the_script_does_nothing_unless_asked() -> None:
    """Without RUN_QA=1 it says so and ends well."""
    script = ROOT / "scripts" / "e2e_websmoke_test.sh"
    done = subprocess.run([script], env=clean_environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "skipped: set RUN_QA=1 to run it\n")
