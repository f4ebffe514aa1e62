"""What the end-to-end tests share: a scratch home, a real router process, the command line as users run it.

Every process is started here on a port the system chose, and ended by its own pid.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
READY_S = 30.0
"""Patience for a process to answer on a busy machine; no test measures it."""


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def clean_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment without anybody's keys or workbench settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith("_API_KEY") and not name.startswith(("WORKBENCH_", "LITELLM_", "LLMROUTER_"))
    }
    return {**kept, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **extra}


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once `url` answers with 200; fail with the process's log when it dies or takes too long."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    pytest.fail(f"{url} does not answer (exit {process.poll()}):\n{log.read_text(errors='replace')[-4000:]}")


def end(process: subprocess.Popen[bytes], *, sign: int = signal.SIGTERM) -> None:
    """End a process we started and wait for it; by force when it does not listen."""
    if process.poll() is None:
        process.send_signal(sign)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


class Cli:
    """The `workbench` command on one home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "workbench", *arguments, "--home", str(self.home)]

    def run(
        self, *arguments: str, exit_code: int | None = 0, timeout: float = 90, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command and check its exit code (None: any)."""
        done = subprocess.run(
            self.argv(*arguments),
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=self.home.parent,
            env=clean_environment(**environment),
            check=False,
        )
        if exit_code is not None:
            assert done.returncode == exit_code, (
                f"{arguments} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            )
        return done

    def json(self, *arguments: str, **options: Any) -> Any:
        """Run a command with ``--json`` and return what it printed."""
        return json.loads(self.run(*arguments, "--json", **options).stdout)

    def bytes(self, *arguments: str) -> bytes:
        """Run a command and return the exact bytes of its stdout."""
        done = subprocess.run(
            self.argv(*arguments), capture_output=True, timeout=90, env=clean_environment(), check=False
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a command in its own process group; end it with `end`."""
        return subprocess.Popen(
            self.argv(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.home.parent,
            env=clean_environment(**environment),
            start_new_session=True,
        )


class RouterProcess:
    """A router that serves one home. `kill` is ``kill -9``; `restart` starts it again on the same port."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.cli = Cli(home)
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.log = home.parent / f"{home.name}-router.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def key(self) -> str:
        """The master key that the first start wrote."""
        for line in (self.home / ".env").read_text().splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            if name == "LITELLM_MASTER_KEY":
                return value.strip("'\"")
        raise AssertionError(f"no master key in {self.home / '.env'}")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def start(self) -> RouterProcess:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.cli.argv("router", "serve", "--port", str(self.port))],
                stdout=log,
                stderr=log,
                cwd=self.home.parent,
                env=clean_environment(**self._environment),
                start_new_session=True,
            )
        wait_for(f"{self.base_url}/readyz", self._process, self.log)
        return self

    def stop(self) -> None:
        if self._process is not None:
            end(self._process)

    def kill(self) -> None:
        if self._process is not None:
            end(self._process, sign=signal.SIGKILL)

    def post_mortem(self) -> str:
        """Say whether the process lives, else how it ended, and the last lines of all that it wrote."""
        assert self._process is not None
        files = [self.log, *sorted((self.home / "logs").glob("router.*"))]
        tails = [f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in files]
        return "\n".join([f"exit code {self._process.poll()} (None: alive)", *tails])

    def restart(self) -> RouterProcess:
        self.stop()
        return self.start()

    def post(
        self, path: str, body: bytes | dict[str, Any], **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a body as it is; return status, headers (names in lower case) and the exact answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            self.base_url + path,
            data=data,
            headers={
                "Content-Type": "application/json",
                **self.headers,
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _lower(answer.headers.items()), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _lower(error.headers.items()), error.read()

    def chat(self, text: str = "hello", *, model: str = "echo", **fields: Any) -> str:
        """Send one chat request and return the exchange's id."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        _, headers, _ = self.post("/v1/chat/completions", body)
        return headers["x-workbench-exchange"]


def _lower(pairs: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in pairs}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def cli(home: Path) -> Cli:
    """The command line on the scratch home, no router started."""
    return Cli(home)


@pytest.fixture
def router(home: Path) -> Iterator[RouterProcess]:
    """A router process on the scratch home, ready."""
    process = RouterProcess(home)
    try:
        yield process.start()
    finally:
        process.stop()


class MockUpstream:
    """`scripts/mock_openai.py` as another process; it counts what reaches it."""

    def __init__(self, log: Path, *flags: str) -> None:
        self._log = log.open("wb")
        argv = [sys.executable, str(ROOT / "scripts" / "mock_openai.py"), "--port", "0", *flags]
        self.process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=self._log, env=clean_environment(), start_new_session=True
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline().decode()
        assert first.startswith("mock_openai listening on "), (first, log.read_text())
        self.base_url = first.split()[-1]

    def requests(self) -> list[dict[str, Any]]:
        """Return what came in so far, and what became of it."""
        with urllib.request.urlopen(f"{self.base_url}/_mock/requests", timeout=10) as answer:
            found = json.load(answer)
        return found["requests"] if isinstance(found, dict) else found

    def behave(self, **settings: Any) -> None:
        """Change how it answers; no settings: as it was started."""
        body = json.dumps(settings).encode()
        url = f"{self.base_url}/_mock/settings"
        urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10).close()

    def stop(self) -> None:
        end(self.process)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()


def write_config(home: Path, groups: dict[str, str], *, settings: str = "") -> None:
    """Write a router config: model group -> base URL of an OpenAI-like upstream, its model ``mock``."""
    lines = ["model_list:"]
    for name, url in groups.items():
        lines += [f"  - model_name: {name}", "    litellm_params:", "      model: openai/mock"]
        lines += [f"      api_base: {url}/v1", "      api_key: sk-upstream-key-of-the-mock"]
    path = home / "infra" / "litellm" / "config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n" + settings)


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[MockUpstream]:
    """An upstream process of its own."""
    made = MockUpstream(tmp_path / "upstream.log")
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def mock_router(home: Path, upstream: MockUpstream) -> Iterator[RouterProcess]:
    """A router whose model group ``mock`` is answered by `upstream`."""
    write_config(home, {"mock": upstream.base_url})
    process = RouterProcess(home)
    try:
        yield process.start()
    finally:
        process.stop()
