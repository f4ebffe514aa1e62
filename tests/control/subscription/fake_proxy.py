"""A stand-in for the sign-in proxy: a real process on a real socket, run as ``PROGRAM -config FILE``.

It speaks the parts of the interface that we use. What it does at sign-in is chosen by the file ``script``
next to its configuration: ok, refuse, forget or device.
"""

from __future__ import annotations

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import yaml

CONFIG = Path(sys.argv[sys.argv.index("-config") + 1])
SETTINGS = yaml.safe_load(CONFIG.read_text())
AUTH = Path(SETTINGS["auth-dir"])
SECRET = SETTINGS["remote-management"]["secret-key"]
POLLS: list[str] = []

# As the real one does: the management key in the configuration becomes a hash.
SETTINGS["remote-management"]["secret-key"] = "$2a$" + hashlib.sha256(SECRET.encode()).hexdigest()
CONFIG.write_text(yaml.safe_dump(SETTINGS))


def script() -> str:
    path = CONFIG.parent / "script"
    return path.read_text().strip() if path.exists() else "ok"


class Handler(BaseHTTPRequestHandler):
    def answer(self, document: object, status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        key = (self.headers["Authorization"] or "").removeprefix("Bearer ")
        if url.path == "/v1/models":
            self.answer({"data": []}) if key in SETTINGS["api-keys"] else self.answer({}, 401)
        elif key != SECRET:
            self.answer({"error": "invalid management key"}, 401)
        else:
            self.management(url.path.removeprefix("/v0/management"), parse_qs(url.query))

    def management(self, path: str, query: dict[str, list[str]]) -> None:
        if path == "/auth-files":
            self.answer({"files": [self.entry(file) for file in sorted(AUTH.glob("*.json"))]})
        elif path == "/codex-auth-url":
            self.answer({"status": "ok", "url": "https://auth.example/codex", "state": "s1"})
        elif path == "/github-auth-url":
            begun = {"status": "ok", "url": "https://github.example/device", "state": "s2"}
            self.answer(
                {**begun, "user_code": "ABCD-1234", "verification_uri": "https://github.example/device"}
            )
        elif path == "/get-auth-status":
            self.poll(query["state"][0])
        else:
            self.answer({"error": "not found"}, 404)

    def entry(self, file: Path) -> dict[str, object]:
        state = file.stat()
        kind = json.loads(file.read_text())["type"]
        return {"name": file.name, "type": kind, "modtime": state.st_mtime_ns, "size": state.st_size}

    def poll(self, state: str) -> None:
        POLLS.append(state)
        if len(POLLS) == 1:
            self.answer({"status": "wait"})
        elif script() == "refuse":
            self.answer({"status": "error", "error": "access denied"})
        elif script() == "device" and len(POLLS) == 2:
            self.answer(
                {"status": "device_code", "user_code": "WXYZ-9", "verification_url": "https://d.example"}
            )
        else:
            if script() != "forget":
                kind = "codex" if state == "s1" else "github-copilot"
                (AUTH / f"{kind}-me.json").write_text(json.dumps({"type": kind}))
            self.answer({"status": "ok"})

    def log_message(self, *_: object) -> None:
        """Say nothing."""


print("starting", flush=True)
if script() == "crash":
    sys.exit("can't bind")
ThreadingHTTPServer((SETTINGS["host"], SETTINGS["port"]), Handler).serve_forever()
