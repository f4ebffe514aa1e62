"""The live tail."""

import asyncio
import json
import threading

from workbench.domain.exchange import Exchange
from workbench.gateway.tail import MAX_WAITING, Tail

ONE = Exchange(id="ex_1", started_at=0, endpoint="/v1/chat/completions")


async def test_a_subscriber_sees_what_is_published_as_events():
    """Name and JSON of the exchange, ready to be written."""
    tail = Tail()
    stream = tail.stream()
    assert (await anext(stream)).startswith(b":")
    tail.publish("started", ONE)
    name, data = (await anext(stream)).strip().split(b"\n")
    assert name == b"event: started"
    assert json.loads(data.removeprefix(b"data: "))["id"] == "ex_1"
    await stream.aclose()


async def test_events_from_another_thread_arrive():
    """The recorder's writer is a thread."""
    tail = Tail()
    stream = tail.stream()
    await anext(stream)
    thread = threading.Thread(target=tail.publish, args=("finished", ONE))
    thread.start()
    assert b"event: finished" in await asyncio.wait_for(anext(stream), 5)
    thread.join()
    await stream.aclose()


async def test_quiet_times_are_bridged_by_a_comment():
    """A connection without events stays open through proxies."""
    stream = Tail().stream(keep_alive_s=0.01)
    await anext(stream)
    assert await anext(stream) == b": keep-alive\n\n"
    await stream.aclose()


async def test_a_slow_subscriber_loses_the_oldest_and_is_told():
    """Memory stays bounded whoever listens."""
    tail = Tail()
    stream = tail.stream()
    await anext(stream)
    for number in range(MAX_WAITING + 7):
        tail.publish("started", Exchange(id=f"ex_{number}", started_at=0, endpoint="/v1/embeddings"))
    first, *rest = (await anext(stream)).strip().split(b"\n\n")
    assert first == b'event: dropped\ndata: {"dropped":7}'
    assert len(rest) == MAX_WAITING
    assert b'"ex_7"' in rest[0]
    await stream.aclose()


async def test_closing_ends_every_stream():
    """A router that stops does not wait for those who only watch."""
    tail = Tail()
    stream = tail.stream()
    await anext(stream)
    waiting = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0)
    tail.close()
    await asyncio.wait_for(waiting, 5)
    assert await anext(stream, None) is None
