"""Whatever a model, a server or a file says, the screen stays ours and what is copied is exact."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from rich.segment import Segment

from tests.tui.builders import START_US, answered, screen_text, shows, told, until
from workbench.domain.exchange import Attempt
from workbench.domain.run import Step
from workbench.store.operations import AttemptRecord

HOSTILE = {
    "cursor and clear": "\x1b[2J\x1b[H\x1b[31mowned\x1b[0m",
    "title and clipboard": "\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07",
    "hyperlink": "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
    "8-bit controls": "\x9b2J\x9d0;owned\x9c",
    "markup": "[bold red]owned[/] [link=x]y[/link] [@click=app.quit]quit[/]",
    "bidi": "safe\u202egnp.exe\u202c \u2066hidden\u2069",
    "zalgo": "Z" + "\u0301" * 400 + "algo",
    "invisible": "a\u200bb\ufeffc\U000e0041d",
    "nul and bell": "a\x00b\x07c\x08d",
    "wide": "漢字 👩‍👩‍👧‍👦 e\u0301 שלום مرحبا",
    "one line": "x" * 1_000_000,
    "returns": "visible\rhidden\r\nnext",
}


def unsafe(segments: list[Segment]) -> list[str]:
    """Return texts with anything a terminal acts on, and segments that carry a link or an action."""
    bad = [s.text for s in segments if any(ord(char) < 32 or 127 <= ord(char) < 160 for char in s.text)]
    bad += [s.text for s in segments if any(char in s.text for char in "\u202e\u2066\u200b\ufeff")]
    for segment in segments:
        style = segment.style
        if style is not None and (style.link or "@click" in (style.meta or {})):
            bad.append(f"active: {segment.text}")
    return bad


def on_screen(app) -> list[Segment]:
    return [segment for row in app.screen._compositor.render_strips() for segment in row]


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_words_are_shown_literally_everywhere(app, recorded, kind):
    """List, preview, chat, bodies, headers: nothing of it acts, no line leaves its width."""
    text = HOSTILE[kind]
    error = text[:2000] if kind != "one line" else "x" * 2000
    recorded.chat(text, text, model=error[:200], error=error, status=500, name=error[:100])
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await until(
            pilot, lambda: any(word in screen_text(app) for word in ("user", "enter opens it")), "the preview"
        )
        assert unsafe(on_screen(app)) == []
        await pilot.press("enter")
        await shows(pilot, "Timing")
        for _ in range(6):
            await pilot.pause(0.05)
            assert unsafe(on_screen(app)) == []
            assert all(row.cell_length <= 120 for row in app.screen._compositor.render_strips())
            await pilot.press("right")


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if kind != "one line"])
async def test_what_is_copied_is_exact(app, recorded, kind, monkeypatch):
    """`y b` copies the request's bytes as they were recorded, not as they are drawn."""
    monkeypatch.setenv("SSH_TTY", "/dev/pts/9")
    monkeypatch.delenv("TMUX", raising=False)
    sent: list[str] = []
    body = json.dumps({"messages": [{"role": "user", "content": HOSTILE[kind]}]}).encode()
    recorded.put(body, answered("ok"))
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        monkeypatch.setattr(app._driver, "write", sent.append)
        await pilot.press("y", "b")
        await until(pilot, lambda: any("]52;c;" in text for text in sent), "the copy")
    sequence = next(text for text in sent if "]52;c;" in text)
    assert sequence.count("\x1b") == 1
    assert base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\x07")) == body


async def test_a_line_too_long_for_the_terminals_clipboard_is_copied_whole_into_a_file(
    app, recorded, monkeypatch
):
    """A megabyte is neither cut nor sent to a terminal that would drop it."""
    monkeypatch.setenv("SSH_TTY", "/dev/pts/9")
    body = json.dumps({"messages": [{"role": "user", "content": HOSTILE["one line"]}]}).encode()
    recorded.put(body, answered("ok"))
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("y", "b")
        copied = recorded.home.root / ".tui" / "copied.txt"
        await until(pilot, copied.exists, "the copy")
        await told(pilot, "Copied the request's body, exact")
    assert copied.read_bytes() == body


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_words_stay_text_in_notes_tags_runs_and_side_by_side(app, recorded, kind):
    """What people and programs wrote about an exchange is no safer than what a model said."""
    text = HOSTILE[kind][:2000]
    for _ in range(3):
        recorded.chat(text, text, note=text, tags=(text[:60],), client=text[:60], step=text[:60])
    recorded.run(text, status="failed", model=text[:100], note=text)
    async with app.run_test(size=(140, 36)) as pilot:
        await shows(pilot, "1 of 3")
        assert unsafe(on_screen(app)) == []
        await pilot.press("m", "m", "m", "d")
        await shows(pilot, "the original", "alike")
        assert unsafe(on_screen(app)) == []
        await pilot.press("2")
        await shows(pilot, "✗ failed")
        await pilot.pause(0.2)
        assert unsafe(on_screen(app)) == []
        assert all(row.cell_length <= 140 for row in app.screen._compositor.render_strips())


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_words_stay_in_their_row_of_the_tree_of_runs(app, recorded, kind):
    """Names of steps, gates, deployments and models, errors and questions: one line each, as text."""
    text = HOSTILE[kind][:2000]
    recorded.chat(text, text, session="s", model=text[:200])
    bad = Attempt(
        number=1, deployment=text[:200], provider="x", model=text[:200], started_at=START_US, status=503,
        error=text, reason=text,
    )  # fmt: skip
    again = [AttemptRecord(attempt=bad), AttemptRecord(attempt=msgspec.structs.replace(bad, number=2))]
    recorded.put(
        b"{}",
        b"{}",
        session="s",
        error=text,
        error_code=text[:40],
        status=504,
        state="failed",
        attempts=again,
    )
    run = recorded.run(text, status="failed", tags=(text[:60],), name=text[:150])
    result = {"name": text, "passed": False, "reason": text, "tail": text, "argv": [text], "duration_ms": 1.0}
    detail = {"gates": [result], "error": text, "summary": text}
    recorded.store.put_step(Step(run=run.id, seq=2, kind="verify", name=text, status="failed", detail=detail))
    async with app.run_test(size=(140, 36)) as pilot:
        await pilot.press("2")
        await shows(pilot, "✗ failed", "session")
        for key in ("right", "j", "j", "right", "j", "G", "right", "j", "j", "right", "j", "j"):
            await pilot.press(key)
            await pilot.pause(0.15)
            assert unsafe(on_screen(app)) == []
            assert all(row.cell_length <= 140 for row in app.screen._compositor.render_strips())
        await shows(pilot, "gate", "turn", "attempt")
