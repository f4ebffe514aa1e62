"""The recorder process's end of the line: commands come whole, in order, as many together as there are."""

from __future__ import annotations

import random
import socket
import threading
import time
from itertools import chain

import pytest

from workbench.domain.exchange import Exchange
from workbench.recording.line import Line
from workbench.recording.protocol import REPORTS, Frames, Prove, Report, frame
from workbench.store.operations import Begin


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, Line(theirs)


def begin(number, size):
    exchange = Exchange(id=f"ex_{number}", started_at=number, endpoint="/v1/chat/completions", model="m")
    return Begin(exchange=exchange, headers=[], body=bytes([number % 256]) * size)


def sent(socket_, data, step):
    """Send in pieces of that size, from another thread; returns it."""

    def run():
        for at in range(0, len(data), step):
            socket_.sendall(data[at : at + step])
        socket_.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def received(line, most=200):
    """Everything until the other end is gone, group by group."""
    groups = []
    while True:
        try:
            groups.append(line.receive(most, 5.0))
        except EOFError:
            return groups


@pytest.mark.parametrize("step", [1, 3, 1000, 50_000, 10**8])
def test_commands_come_whole_however_the_line_cuts_them(ends, step):
    """Small, empty and large ones, larger than the buffer too; each once, in order."""
    chance = random.Random(step)
    sizes = [0, 1, 700, 43_000] if step < 1000 else [0, 1, 43_000, 1_048_576, 3_000_000, 5, 2_000_000, 7]
    sizes += [chance.randrange(3_000) for _ in range(40 if step < 1000 else 300)]
    commands = [begin(number, size) for number, size in enumerate(sizes)]
    ours, line = ends
    thread = sent(ours, b"".join(map(frame, commands)), step)
    assert list(chain.from_iterable(received(line))) == commands
    thread.join()


def test_what_is_under_way_is_waited_for(ends):
    """The line holds a few commands of an agent's size: they come as one group, not as many small ones."""
    ours, line = ends
    commands = [begin(number, 43_000) for number in range(100)]
    thread = sent(ours, b"".join(map(frame, commands)), 10**8)
    groups = received(line)
    thread.join()
    assert list(chain.from_iterable(groups)) == commands
    assert max(map(len, groups)) > 50


def test_no_more_come_at_a_time_than_asked_for(ends):
    """The rest comes with the next groups."""
    ours, line = ends
    thread = sent(ours, b"".join(frame(begin(number, 10)) for number in range(25)), 10**8)
    thread.join()
    assert [len(group) for group in received(line, most=10)] == [10, 10, 5]


def test_a_whole_command_is_not_held_up(ends):
    """Neither where nothing follows, nor for long where the rest of the next one does not come."""
    ours, line = ends
    ours.sendall(frame(Prove()))
    began = time.monotonic()
    assert line.receive(10, 5.0) == [Prove()]
    ours.sendall(frame(begin(1, 100)) + frame(begin(2, 100))[:50])
    assert line.receive(10, 5.0) == [begin(1, 100)]
    assert time.monotonic() - began < 1.0
    assert line.receive(10, 0.01) == []
    ours.sendall(frame(begin(2, 100))[50:])
    assert line.receive(10, 5.0) == [begin(2, 100)]


def test_the_end_comes_after_all_that_was_sent(ends):
    """What is cut off by it is no command."""
    ours, line = ends
    ours.sendall(frame(begin(1, 10)) + frame(begin(2, 10))[:9])
    ours.close()
    assert received(line) == [[begin(1, 10)]]
    line.report(Report(done=1))  # nobody is there to hear it
    with pytest.raises(EOFError):
        line.receive(1, 0.0)


def test_reports_arrive(ends):
    """They are frames as the router reads them."""
    ours, line = ends
    line.report(Report(done=3, refused={1: "no"}))
    assert Frames(REPORTS).feed(ours.recv(1000)) == [Report(done=3, refused={1: "no"})]
