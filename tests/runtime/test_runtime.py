"""The router process from the inside: wiring, retention, refusals; the outside is in tests/e2e."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from workbench.control.claim import claimed
from workbench.domain.errors import ConfigError, UsageError
from workbench.gateway.pages import health_document
from workbench.gateway.server import bind
from workbench.runtime import RouterRuntime
from workbench.settings.home import Home
from workbench.settings.sections import RetentionSettings, Settings
from workbench.store.store import Reader, Store

KEY = "sk-wb-runtime-test-0123456789abcdef"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a key and an empty config."""
    made = Home(tmp_path / "home")
    made.config.parent.mkdir(parents=True)
    made.config.write_text("model_list: []\n")
    made.env_file.write_text(f"LITELLM_MASTER_KEY={KEY}\n")
    return made


async def ask(runtime: RouterRuntime, text: str) -> httpx.Response:
    transport = httpx.ASGITransport(runtime.app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://router") as client:
        body = {"model": "echo", "messages": [{"role": "user", "content": text}]}
        return await client.post("/v1/chat/completions", json=body, headers={"x-api-key": KEY})


async def test_two_lives_of_a_router_share_one_store(home: Home):
    """What the first one recorded is there in the second, each under its own instance."""
    instances = set()
    for text in ("one", "two"):
        async with RouterRuntime(home, Settings(), {}) as runtime:
            assert (await ask(runtime, text)).status_code == 200
            instances.add(runtime.instance)
    with Reader.open(home.store) as reader:
        assert {item.instance for item in reader.exchanges().items} == instances
    assert len(instances) == 2


async def test_retention_is_applied_while_the_router_runs(home: Home):
    """What is too old goes by itself, what is pinned stays."""
    settings = Settings(retention=RetentionSettings(max_age="1s", interval="1s"))
    async with RouterRuntime(home, settings, {}) as runtime:
        kept = (await ask(runtime, "keep me")).headers["x-workbench-exchange"]
        await ask(runtime, "let me go")
        with Store.open(home.store) as store:
            store.set_pinned(kept, True)
        for _ in range(100):
            await asyncio.sleep(0.1)
            with Reader.open(home.store) as reader:
                left = [item.id for item in reader.exchanges().items]
            if left == [kept]:
                break
    assert left == [kept]


async def test_a_bug_in_retention_is_said_and_does_not_end_it(home: Home, monkeypatch: pytest.MonkeyPatch):
    """Health names the place while it fails, and no longer once it works again."""
    monkeypatch.setattr("workbench.runtime._prune_once", lambda *_: {}["no such key"])
    settings = Settings(retention=RetentionSettings(max_age="1s", interval="1s"))
    async with RouterRuntime(home, settings, {}) as runtime:

        async def error(*, failing: bool) -> str:
            for _ in range(100):
                await asyncio.sleep(0.1)
                found = health_document(runtime.gateway)["retention"]["error"]
                if (found is not None) == failing:
                    return str(found)
            raise AssertionError(found)

        assert (await error(failing=True)).startswith("KeyError at runtime.py:")
        monkeypatch.undo()
        await error(failing=False)


async def test_a_home_without_a_key_is_refused_with_the_mend(home: Home):
    """No key, no router: the error names the file and the command."""
    home.env_file.unlink()
    with pytest.raises(ConfigError, match="LITELLM_MASTER_KEY") as caught:
        await RouterRuntime(home, Settings(), {}).__aenter__()
    assert caught.value.hint is not None


@pytest.mark.parametrize("key", ["sk-1234", "short"])
async def test_a_key_that_anybody_could_guess_is_refused(home: Home, key: str):
    """Documentation's keys and short ones."""
    home.env_file.write_text(f"LITELLM_MASTER_KEY={key}\n")
    with pytest.raises(ConfigError):
        await RouterRuntime(home, Settings(), {}).__aenter__()


async def test_a_broken_config_leaves_nothing_running(home: Home):
    """The error comes before anything was started."""
    home.config.write_text("model_list: 7\n")
    before = asyncio.all_tasks()
    with pytest.raises(ConfigError, match="model_list"):
        await RouterRuntime(home, Settings(), {}).__aenter__()
    assert asyncio.all_tasks() == before


def test_one_router_a_home(home: Home):
    """The second claim is refused, and given back it can be had again."""
    with claimed(home), pytest.raises(UsageError, match="already serves"), claimed(home):
        pass
    with claimed(home):
        pass


def test_a_taken_port_is_refused_with_a_way_out():
    """The message names the port, the hint a command."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=str(port)) as caught:
            bind("127.0.0.1", port)
    assert caught.value.hint is not None
    assert "router start" in caught.value.hint


def test_starting_loads_no_litellm_and_no_terminal_app():
    """Either would cost seconds or memory in every router."""
    names = "('litellm', 'textual', 'httpx')"
    code = f"import sys, workbench.runtime; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
