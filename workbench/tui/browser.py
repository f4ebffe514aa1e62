"""The terminal app in a browser: textual-serve on loopback, behind a token.

Three checks, since a page of any origin can open a web socket to this machine: the token (in the URL that is
printed), the Host header (a rebound name is not ours) and, for the socket, the Origin.
"""

from __future__ import annotations

import asyncio
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from textual_serve.server import Server

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TEMPLATES = Path(__file__).parent / "web"
_POLICY = "default-src 'self'; connect-src 'self' ws:; style-src 'self' 'unsafe-inline'; script-src 'self'"


class BrowserServer(Server):
    """Serves one home's app; every session is a process of its own."""

    def __init__(self, home: Path, port: int, say: Callable[[str], None], flags: Sequence[str] = ()) -> None:
        """`say` is told the address; `flags` are global ones for the app that is served."""
        command = shlex.join([sys.executable, "-m", "workbench", "--home", str(home), *flags, "tui"])
        super().__init__(command, host="127.0.0.1", port=port, title="workbench", templates_path=TEMPLATES)
        self.token = secrets.token_urlsafe(24)
        self._say = say

    @property
    def address(self) -> str:
        """The URL to open; whoever has it has the app."""
        return f"{self.public_url}/?{urlencode({'token': self.token})}"

    async def on_startup(self, app: web.Application) -> None:
        """Say where it is, once it listens."""
        asyncio.get_running_loop().call_later(0.2, self._say, self.address)

    def initialize_logging(self) -> None:
        """Leave logging alone: stdout is the address, stderr is quiet."""

    async def _make_app(self) -> web.Application:
        app: web.Application = await super()._make_app()
        # The page's script appends its own query to the socket's address, so the token is in the path.
        app.router.add_get("/ws/{token}", self.handle_websocket)
        app.middlewares.append(self._guard)
        return app

    @property
    def _guard(self) -> Any:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._check(request)
            answer = await handler(request)
            if not answer.prepared:
                answer.headers["Content-Security-Policy"] = _POLICY
                answer.headers["Referrer-Policy"] = "no-referrer"
                answer.headers["X-Frame-Options"] = "DENY"
            return answer

        return guard

    def _check(self, request: web.Request) -> None:
        hosts = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        if request.host not in hosts:
            raise web.HTTPForbidden(text="this is not the host that is served here")
        if request.path.startswith("/static/"):
            return
        given = request.match_info.get("token") or request.query.get("token", "")
        if not secrets.compare_digest(given, self.token):
            raise web.HTTPForbidden(text="the token is missing or wrong: open the address that was printed")
        origin = request.headers.get("Origin")
        if request.path.startswith("/ws") and origin not in {f"http://{host}" for host in hosts}:
            raise web.HTTPForbidden(text="another page may not open this terminal")

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """Serve the page, its socket's address with the token in it."""
        import aiohttp_jinja2

        size = request.query.get("fontsize", "15")
        base = f"http://{request.host}"
        context = {
            "font_size": size if size.isdigit() else "15",
            "app_websocket_url": f"ws://{request.host}/ws/{self.token}",
            "config": {"static": {"url": f"{base}/static/"}},
            "application": {"name": self.title},
        }
        page: web.StreamResponse = aiohttp_jinja2.render_template("app_index.html", request, context)
        return page
