"""A process that records for ever and says on stdout what it was told is durable. Run by the crash tests.

Arguments: the store, an instance name, a seed. Each line is an exchange's id and the checksum of both its
bodies, printed after the commit.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
import zlib
from pathlib import Path

from workbench.domain.exchange import Exchange
from workbench.domain.ids import EXCHANGE, new_id
from workbench.recording.recorder import Recorder
from workbench.settings.sections import RecordingSettings


async def converse(recorder, chance, name):
    history = []
    while True:
        history.append(
            {"role": "user", "content": f"{name} asks {chance.random()} " + "words " * chance.randint(1, 300)}
        )
        body = json.dumps({"messages": history, "model": "demo"}).encode()
        now = time.time_ns() // 1000
        exchange = Exchange(
            id=new_id(EXCHANGE, now), started_at=now, endpoint="/v1/chat/completions", model="demo"
        )
        recording = recorder.open(exchange, [("content-type", "application/json")], body)
        answer = f"{name} answers {chance.random()} " + "more words " * chance.randint(1, 100)
        document = json.dumps({"choices": [{"message": {"role": "assistant", "content": answer}}]}).encode()
        for start in range(0, len(document), 200):
            recording.write(document[start : start + 200])
            await asyncio.sleep(0.001 if chance.random() < 0.1 else 0)
        exchange.status = 200
        if await recording.commit():
            sys.stdout.write(f"{exchange.id} {zlib.crc32(body)} {zlib.crc32(document)}\n")
            sys.stdout.flush()
        history.append({"role": "assistant", "content": answer})
        if len(history) > 24:
            history.clear()


async def main():
    settings = RecordingSettings(ack_deadline_s=20, flush_interval_s=0.05)
    recorder = Recorder(Path(sys.argv[1]), settings, instance=sys.argv[2])
    await recorder.start()
    chance = random.Random(int(sys.argv[3]))
    await asyncio.gather(*(converse(recorder, chance, f"c{number}") for number in range(6)))


asyncio.run(main())
