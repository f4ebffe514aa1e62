"""What is typed in a terminal, as the app gets it; the pty is real, the app is not."""

from __future__ import annotations

import os
import pty
import threading
import time
import tty

import pytest
from textual import constants, events

from workbench.cli.tui import escape_delay_ms
from workbench.tui.terminal_driver import TerminalDriver


class Reading:
    """The driver's input thread on a pty; `write` types, `keys` are what came of it."""

    def __init__(self, monkeypatch):
        monkeypatch.setattr(constants, "ESCAPE_DELAY", 0.02)
        self.master, slave = pty.openpty()
        os.set_blocking(slave, True)
        self.driver = TerminalDriver.__new__(TerminalDriver)
        self.driver._debug = False
        self.driver.fileno = slave
        self.driver.exit_event = threading.Event()
        self.events: list[events.Event] = []
        self.driver.process_message = self.events.append
        tty.setraw(slave)
        self.thread = threading.Thread(target=self.driver.run_input_thread, daemon=True)
        self.thread.start()

    def write(self, data):
        os.write(self.master, data)

    def until(self, count):
        deadline = time.monotonic() + 10
        while len(self.events) < count and time.monotonic() < deadline:
            time.sleep(0.001)
        return [event.key for event in self.events if isinstance(event, events.Key)]


@pytest.fixture
def reading(monkeypatch):
    made = Reading(monkeypatch)
    yield made
    made.driver.exit_event.set()
    made.thread.join(5)
    assert not made.thread.is_alive()


def test_keys_sequences_and_characters_of_several_bytes_arrive_in_order(reading):
    """A character cut between two reads is one character."""
    word = "木".encode()
    reading.write(b"j\x1b[A" + word[:1])
    assert reading.until(2) == ["j", "up"]
    reading.write(word[1:] + b"k")
    reading.until(4)
    assert [event.character for event in reading.events[2:]] == ["木", "k"]


def test_a_lone_escape_is_a_key_before_the_driver_would_look_again(reading):
    """Textual would need its tenth of a second; the best of several tries, as the machine may be busy."""
    times = []
    for count in range(1, 6):
        began = time.perf_counter()
        reading.write(b"\x1b")
        assert reading.until(count)[-1] == "escape"
        times.append(time.perf_counter() - began)
    assert min(times) < 0.08


@pytest.mark.parametrize(
    ("environ", "milliseconds"),
    [
        ({}, "10"),
        ({"SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"}, "25"),
        ({"SSH_TTY": "/dev/pts/1", "TMUX": "/tmp/tmux-0/default,1,0"}, "10"),
    ],
    ids=["local", "over SSH", "tmux over SSH"],
)
def test_only_a_network_may_cut_a_sequence_in_two(environ, milliseconds):
    """A terminal here writes a key's bytes at once; so does tmux, which puts them together again."""
    assert escape_delay_ms(environ) == milliseconds


def test_a_terminal_that_is_gone_ends_the_thread(reading):
    """No loop that reads nothing for ever."""
    os.close(reading.master)
    reading.thread.join(5)
    assert not reading.thread.is_alive()
