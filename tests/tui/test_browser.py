"""`workbench serve`: the app in a real browser, and who is turned away."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import socket
import subprocess
import sys
import time

import aiohttp
import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.fixture
def served(home, recorded):
    """A running server: its address, and the port it is on."""
    recorded.chat("what is a browser for?", "looking at terminals")
    recorded.failed()
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "--home", str(home.root), "--no-start", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    _await_port(int(address.split(":")[2].split("/")[0]))
    yield address
    process.terminate()
    process.wait(10)


def _await_port(port):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)


async def status(url, **headers):
    """Return the status of a GET."""
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status


async def test_only_who_has_the_token_and_comes_from_here_gets_in(served):
    """The token, the host and, for the socket, the origin are checked."""
    base, token = served.split("/?token=")
    assert await status(served) == 200
    assert await status(base) == 403
    assert await status(f"{base}/?token=wrong") == 403
    assert await status(served, Host="evil.example") == 403
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "x" * 22 + "==",
    }
    assert await status(f"{base}/ws/{token}", Origin="http://evil.example", **upgrade) == 403
    assert await status(f"{base}/ws/{token}", **upgrade) == 403
    assert await status(f"{base}/ws", Origin=base, **upgrade) == 403


async def test_the_page_loads_nothing_from_outside(served):
    """No font, script or image of another host."""
    async with aiohttp.ClientSession() as session, session.get(served) as answer:
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    base = served.split("/?")[0]
    named = set(re.findall(r"(?:https?|wss?)://[^\s\"'/]+", page))
    assert named == {base, base.replace("http", "ws")}
    assert "default-src 'self'" in policy


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
async def test_a_person_filters_and_opens_an_exchange_in_a_browser(served, tmp_path):
    """First paint, a key, a filter, an exchange: seen in the pixels' text layer."""
    browser = Browser(tmp_path)
    try:
        await browser.open(served)
        await browser.shows("1 of 2")
        await browser.focus()
        await browser.press("/")
        for key in "status:200":
            await browser.press(key)
        await browser.press("Enter")
        await browser.shows("1 of 1")
        await browser.press("Enter")
        await browser.shows("looking at terminals")
        picture = await browser.picture()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 10_000
        (tmp_path / "browser.png").write_bytes(picture)
    finally:
        await browser.close()


class Browser:
    """Chromium, driven over its own protocol."""

    def __init__(self, folder):
        self._process = subprocess.Popen(
            [
                CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
                f"--user-data-dir={folder}/chromium", "--window-size=1400,900", "about:blank",
            ],
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self._port_file = folder / "chromium" / "DevToolsActivePort"
        self._number = 0
        self._drawn = ""

    async def open(self, url):
        deadline = time.monotonic() + 30
        while not self._port_file.exists() and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        port = self._port_file.read_text().splitlines()[0]
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json") as answer:
            pages = await answer.json()
        target = next(page for page in pages if page["type"] == "page")
        self._socket = await self._session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0)
        await self.call("Network.enable")
        await self.call("Page.navigate", url=url)

    async def call(self, method, **params):
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while True:
            message = json.loads((await self._socket.receive()).data)
            if message.get("method") == "Network.webSocketFrameReceived":
                self._frame(message["params"]["response"])
            if message.get("id") == self._number:
                return message.get("result", {})

    def _frame(self, frame):
        """Keep what the terminal was told to draw: it draws on a canvas, which has no text to read."""
        data = (
            base64.b64decode(frame["payloadData"]) if frame["opcode"] == 2 else frame["payloadData"].encode()
        )
        self._drawn += re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", data).decode("utf-8", "replace")

    async def focus(self):
        script = "document.querySelector('.xterm-helper-textarea').focus()"
        await self.call("Runtime.evaluate", expression=script)

    async def press(self, key):
        text = "\r" if key == "Enter" else key
        code = {"windowsVirtualKeyCode": 13} if key == "Enter" else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, **code)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    async def shows(self, text):
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            await self.call("Runtime.evaluate", expression="1")
            if text in self._drawn:
                self._drawn = ""
                return
            await asyncio.sleep(0.2)
        raise AssertionError(f"{text!r} is not in {self._drawn[-3000:]}")

    async def picture(self):
        found = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(found["data"])

    async def close(self):
        if hasattr(self, "_session"):
            await self._session.close()
        self._process.terminate()
        self._process.wait(10)
