"""What the outbox makes of reports, without a process."""

from __future__ import annotations

import asyncio
import time

import pytest

from workbench.domain.exchange import Exchange
from workbench.domain.ids import EXCHANGE, new_id
from workbench.recording import outbox
from workbench.recording.outbox import Outbox
from workbench.recording.protocol import COMMANDS, Frames, Report, frame
from workbench.recording.recording import Recording
from workbench.store.operations import Begin, Finish, Flush


class Sink:
    """What a recording needs of its recorder; the outbox is fed by hand."""

    def changed(self, recording, kind):
        pass


class Line:
    """Keeps what is sent."""

    def __init__(self):
        self.sent = []

    def send(self, operation):
        self.sent.append(operation)
        return 100


def make(body=b"{}"):
    now = time.time_ns() // 1000
    return Recording(Sink(), Exchange(id=new_id(EXCHANGE, now), started_at=now, endpoint="/v1/x"), [], body)


def end(box, recording):
    recording._finish("complete")
    future = asyncio.get_running_loop().create_future()
    box.put(recording, future)
    return future


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def box(line):
    made = Outbox(line.send)
    made.reported(Report())
    return made


async def test_reports_are_about_the_oldest(box, line):
    """Three are sent; a report of two tells two of them."""
    futures = [end(box, make()) for _ in range(3)]
    assert [type(one) for one in line.sent] == [Finish] * 3
    box.reported(Report(done=2))
    assert [future.done() for future in futures] == [True, True, False]
    assert box.state().committed == 2


async def test_what_failed_is_sent_again_in_order(box, line):
    """After an error nothing goes out until the process is proven; then everything does, oldest first."""
    first, second = make(), make()
    waiting = [end(box, first), end(box, second)]
    box.reported(Report(done=1, error="disk full"))
    third = make()
    waiting.append(end(box, third))
    assert len(line.sent) == 2
    state = box.state()
    assert (state.status, state.error, state.unrecorded, state.queued) == ("degraded", "disk full", 2, 2)
    box.reported(Report())
    assert [one.exchange.id for one in line.sent[2:]] == [second.exchange.id, third.exchange.id]
    box.reported(Report(done=2))
    assert all(future.result() for future in waiting)
    assert (box.state().status, box.state().unrecorded) == ("ok", 0)


async def test_a_running_answer_begins_anew(box, line):
    """Begin and flush were lost with the process: one begin, then all that was written."""
    recording = make()
    box.put(recording)
    box.reported(Report(done=1))
    recording.write(b"data: 1\n\n")
    box.put_streaming()
    recording.write(b"data: 2\n\n")
    box.put_streaming()
    assert [type(one) for one in line.sent] == [Begin, Flush, Flush]
    box.broken("gone")
    box.reported(Report())
    assert line.sent[3].data == b"data: 1\n\ndata: 2\n\n"
    assert line.sent[3].number == 1


async def test_a_refused_exchange_does_not_stand_in_the_way(box, line):
    """Its future is False, it counts as unrecorded, the next one is durable."""
    bad, good = end(box, make()), end(box, make())
    box.reported(Report(done=2, refused={0: "no"}))
    assert (bad.result(), good.result()) == (False, True)
    assert (box.state().committed, box.state().unrecorded) == (1, 1)


async def test_the_end_of_a_refused_beginning_is_not_durable(box, line):
    """The store has no row that the end could be added to."""
    recording = make()
    box.put(recording)
    future = end(box, recording)
    box.reported(Report(done=2, refused={0: "no"}))
    assert future.result() is False


async def test_memory_is_bounded_while_nothing_can_be_written(box, monkeypatch):
    """The oldest finished ones go, are counted, and their clients hear of it."""
    monkeypatch.setattr(outbox, "HELD_BYTES", 10_000)
    box.broken("read-only")
    running = make(b"x" * 4_000)
    box.put(running)
    futures = [end(box, make(b"x" * 4_000)) for _ in range(4)]
    assert [future.done() for future in futures] == [True, True, True, False]
    assert box.state().unrecorded == 4
    box.reported(Report())
    assert box.state().queued == 2


def test_frames_come_back_however_they_are_cut():
    """A message a byte at a time, and many in one piece."""
    messages = [Flush(id=f"ex_{number}", number=number, data=b"d" * number, writes=[]) for number in range(5)]
    data = b"".join(frame(message) for message in messages)
    frames = Frames(COMMANDS)
    assert [found for index in range(len(data)) for found in frames.feed(data[index : index + 1])] == messages
    assert Frames(COMMANDS).feed(data) == messages


async def test_after_a_death_operations_go_one_by_one(box, line):
    """Until all that the process had in hand is reported; then as many as fit again."""
    futures = [end(box, make()) for _ in range(3)]
    box.lost("ended")
    late = end(box, make())
    box.reported(Report())
    for sent in (4, 5, 6):
        assert len(line.sent) == sent
        box.reported(Report(done=1))
    assert all(future.result() for future in futures)
    more = [end(box, make()) for _ in range(2)]
    assert len(line.sent) == 9
    box.reported(Report(done=3))
    assert all(future.result() for future in (late, *more))
    assert box.state().trouble == "ended"


async def test_one_that_the_process_dies_over_is_refused(line):
    """Alone three times; what waited behind it goes on, and the listener gets the one at fault."""
    refused = []
    box = Outbox(line.send, refused.append)
    box.reported(Report())
    bad, good = make(), make()
    futures = [end(box, bad), end(box, good)]
    for _ in range(4):  # the first time there are two in hand
        box.lost("ended (by signal 11)")
        box.reported(Report())
    assert refused == [bad]
    assert (futures[0].result(), futures[1].done()) == (False, False)
    assert "3 times" in bad.refused
    box.reported(Report(done=1))
    assert futures[1].result()
    assert (box.state().refused, box.state().unrecorded, box.state().committed) == (1, 1, 1)


async def test_what_can_t_be_sent_is_refused_alone(line):
    """Its frame can't be made; nothing is raised into the request."""

    def send(operation):
        if operation.exchange.client:
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
        return line.send(operation)

    box = Outbox(send)
    box.reported(Report())
    odd = make()
    odd.exchange.client = "odd"
    assert not end(box, odd).result()
    future = end(box, make())
    box.reported(Report(done=1))
    assert future.result()


async def test_trouble_says_nothing_of_operations_or_the_store(box):
    """A report of it leaves what is on the way, and a broken store broken."""
    future = end(box, make())
    box.reported(Report(trouble="maintenance failed"))
    assert (future.done(), box.state().trouble, box.state().status) == (False, "maintenance failed", "ok")
    box.broken("disk full")
    box.reported(Report(trouble="again"))
    assert box.state().status == "degraded"
