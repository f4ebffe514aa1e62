"""Streamed answers as providers send them, in every dialect."""

from __future__ import annotations

import json
import random

WORDS = [
    "The", " quick", " br", "own", " fox\n", ' "jumps"', " över", " 犬", " \\n", "", " }]}", '","x":"',
    " 7", "\t",
]  # fmt: skip


def words(count=60, seed=1):
    """Return the pieces of an answer."""
    chance = random.Random(seed)
    return [chance.choice(WORDS) for _ in range(count)]


def event(document, name=None, end="\n\n", compact=True):
    """Return one event."""
    separators = (",", ":") if compact else None
    data = json.dumps(document, separators=separators, ensure_ascii=compact)
    return ((f"event: {name}\n" if name else "") + f"data: {data}{end}").encode()


def chat(pieces, end="\n\n", compact=True):
    """Return a stream of chat completions, with random padding as some providers add it."""
    chance = random.Random(2)
    head = {"id": "chatcmpl-abc", "object": "chat.completion.chunk", "created": 1780000000, "model": "m-1"}

    def chunk(delta, reason=None, usage=None):
        padding = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=chance.randint(1, 12)))
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return event(
            {**head, "choices": [choice], "usage": usage, "obfuscation": padding}, None, end, compact
        )

    out = [chunk({"role": "assistant", "content": ""})] + [chunk({"content": piece}) for piece in pieces]
    out += [chunk({}, "stop"), chunk({}, None, {"prompt_tokens": 9, "completion_tokens": len(pieces)})]
    return [*out, f"data: [DONE]{end}".encode()]


def calls(pieces):
    """Return a chat stream that calls two tools by turns."""
    out = []
    for number, piece in enumerate(pieces):
        call = {"index": number % 2, "function": {"arguments": piece}}
        out.append(event({"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}))
    return [*out, b"data: [DONE]\n\n"]


def logprobs(pieces):
    """Return a chat stream with the probabilities of each token."""
    chance = random.Random(3)
    out = []
    for piece in pieces:
        token = {
            "token": piece, "logprob": -chance.random(), "bytes": list(piece.encode()),
            "top_logprobs": [{"token": other, "logprob": -chance.random()} for other in ("a", piece)],
        }  # fmt: skip
        choice = {"index": 0, "delta": {"content": piece}, "logprobs": {"content": [token]}}
        out.append(event({"id": "c", "choices": [choice]}))
    return [*out, b"data: [DONE]\n\n"]


def completions(pieces):
    """Return a stream of the old completions."""
    return [event({"id": "cmpl", "choices": [{"text": piece, "index": 0}]}) for piece in pieces]


def responses(pieces):
    """Return a stream of the responses API, which numbers its events and says all once more at the end."""
    whole = "".join(pieces)
    config = {"instructions": "Be brief. " * 40, "tools": [{"name": f"t{n}"} for n in range(9)]}
    out = [event({"type": "response.created", "response": config, "sequence_number": 0}, "response.created")]
    for number, piece in enumerate(pieces, 1):
        document = {
            "type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0,
            "delta": piece, "sequence_number": number,
        }  # fmt: skip
        out.append(event(document, "response.output_text.delta"))
    done = {"type": "response.completed", "response": {**config, "output": [{"text": whole}]}}
    return [*out, event(done, "response.completed")]


def messages(pieces, end="\n\n"):
    """Return a stream of messages, with pings and padding between the braces."""
    chance = random.Random(4)
    out = [event({"type": "message_start", "message": {"id": "msg_1", "content": []}}, "message_start", end)]
    for number, piece in enumerate(pieces):
        document = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        padded = event(document, "content_block_delta", end)
        out.append(
            padded.replace(b"}}" + end.encode(), b"}" + b" " * chance.randint(0, 9) + b"}" + end.encode())
        )
        if number % 20 == 7:
            out.append(event({"type": "ping"}, "ping", end))
    return [*out, event({"type": "message_stop"}, "message_stop", end)]


def dialects(count=60):
    """Return name and events of each kind of stream."""
    pieces = words(count)
    return {
        "chat": chat(pieces),
        "chat with spaces": chat(pieces, compact=False),
        "chat with CRLF": chat(pieces, end="\r\n\r\n"),
        "tool calls": calls(pieces),
        "logprobs": logprobs(pieces),
        "completions": completions(pieces),
        "responses": responses(pieces),
        "messages": messages(pieces),
        "messages with CRLF": messages(pieces, end="\r\n\r\n"),
        "comments": [b": keep-alive\n\n", *chat(pieces)[:30], b": keep-alive\n\n", *chat(pieces)[30:]],
    }
