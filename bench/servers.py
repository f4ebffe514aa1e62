"""The programs that are measured, each as a process with an address, a ready time and a memory reading."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".bench"
"""Where the peers are installed; ignored by git."""
KEY = "sk-wb-bench-0123456789abcdef0123456789abcdef"
READY_S = 90.0


@dataclass(frozen=True)
class Server:
    """A running program: where chat requests go, with which headers, how long it took to be ready."""

    name: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    ready_s: float = 0.0
    pid: int = 0

    def memory_mb(self) -> float:
        """Memory of the process and its children, in MB; what they share (on Linux) is counted once."""
        process = psutil.Process(self.pid)
        return sum(_memory(one) for one in [process, *process.children(recursive=True)]) / 1e6

    def cpu_s(self) -> float:
        """Processor time that the process and its children have used, in seconds."""
        process = psutil.Process(self.pid)
        times = [one.cpu_times() for one in [process, *process.children(recursive=True)]]
        return sum(one.user + one.system for one in times)


def _memory(process: psutil.Process) -> int:
    full = process.memory_full_info()
    return int(getattr(full, "pss", full.rss))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def process(
    argv: list[str], log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; its output goes to `log`."""
    with log.open("wb") as out:
        running = subprocess.Popen(
            argv,
            stdout=out,
            stderr=out,
            env={**os.environ, **(environ or {})},
            cwd=log.parent,
            start_new_session=True,
        )
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def wait_ready(url: str, running: subprocess.Popen[bytes], log: Path) -> float:
    """Return the seconds until `url` answered 200. Raises RuntimeError with the log when it never does."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < READY_S and running.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return time.perf_counter() - begun
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)
    message = f"{url} did not get ready:\n{log.read_text(errors='replace')[-2000:]}"
    raise RuntimeError(message)


@contextmanager
def upstream() -> Iterator[Server]:
    """The benchmark's own upstream."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "bench" / "upstream.py")], stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        base = running.stdout.readline().decode().strip()
        try:
            yield Server("direct", f"{base}/v1/chat/completions", pid=running.pid)
        finally:
            running.terminate()


@contextmanager
def mock(folder: Path) -> Iterator[str]:
    """`scripts/mock_openai.py`, which fails on demand; gives its base URL with ``/v1``."""
    port, log = free_port(), folder / "mock.log"
    argv = [sys.executable, str(ROOT / "scripts" / "mock_openai.py"), "--port", str(port), "--quiet-log"]
    with process(argv, log) as running:
        wait_ready(f"http://127.0.0.1:{port}/v1/models", running, log)
        yield f"http://127.0.0.1:{port}/v1"


def write_home(folder: Path, base: str, settings: str = "") -> Path:
    """Write a router home with one deployment at `base`."""
    config = folder / "infra" / "litellm" / "config.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(litellm_config(base) + settings)
    (folder / ".env").write_text(f"LITELLM_MASTER_KEY={KEY}\n")
    return folder


def litellm_config(base: str) -> str:
    """Return a config that our router and LiteLLM's proxy both read."""
    return (
        "model_list:\n  - model_name: bench\n    litellm_params:\n      model: openai/bench\n"
        f"      api_base: {base}\n      api_key: sk-bench\n"
        f"general_settings:\n  master_key: {KEY}\n"
    )


@contextmanager
def router(folder: Path, base: str, *, recording: bool = True, settings: str = "") -> Iterator[Server]:
    """Our router on a fresh home; without recording by `bench/unrecorded.py`."""
    home, port, log = write_home(folder / "home", base, settings), free_port(), folder / "router.log"
    program = ["-m", "workbench", "router", "serve"] if recording else [str(ROOT / "bench" / "unrecorded.py")]
    argv = [sys.executable, *program, "--home", str(home), "--port", str(port)]
    name = "workbench" if recording else "workbench, not recording"
    with process(argv, log) as running:
        ready = wait_ready(f"http://127.0.0.1:{port}/readyz", running, log)
        yield Server(name, f"http://127.0.0.1:{port}/v1/chat/completions", _bearer(KEY), ready, running.pid)


@contextmanager
def litellm_proxy(folder: Path, base: str) -> Iterator[Server]:
    """LiteLLM's proxy as it starts by default, from an environment of its own."""
    python = PEERS / "litellm" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "litellm[proxy]"], check=True)
    config, port, log = folder / "litellm.yaml", free_port(), folder / "litellm.log"
    config.write_text(litellm_config(base))
    argv = [
        str(python.parent / "litellm"),
        "--config",
        str(config),
        "--port",
        str(port),
        "--host",
        "127.0.0.1",
    ]
    with process(argv, log, {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}) as running:
        ready = wait_ready(f"http://127.0.0.1:{port}/health/liveliness", running, log)
        yield Server(
            "LiteLLM proxy", f"http://127.0.0.1:{port}/v1/chat/completions", _bearer(KEY), ready, running.pid
        )


@contextmanager
def portkey(folder: Path, base: str) -> Iterator[Server]:
    """Portkey's gateway from npm."""
    place = PEERS / "portkey"
    program = place / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    if not program.exists():
        place.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm") or "npm"
        subprocess.run(
            [npm, "install", "--silent", "--prefix", str(place), "@portkey-ai/gateway"], check=True
        )
    port, log = free_port(), folder / "portkey.log"
    headers = {**_bearer("sk-bench"), "x-portkey-provider": "openai", "x-portkey-custom-host": base}
    argv = [shutil.which("node") or "node", str(program), f"--port={port}", "--headless"]
    with process(
        argv, log, {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost", "NODE_ENV": "production"}
    ) as running:
        ready = wait_ready(f"http://127.0.0.1:{port}/", running, log)
        yield Server("Portkey", f"http://127.0.0.1:{port}/v1/chat/completions", headers, ready, running.pid)


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
