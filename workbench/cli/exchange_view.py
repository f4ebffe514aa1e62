"""One exchange for people: facts, the conversation as chat, the answer, the attempts."""

from __future__ import annotations

import textwrap
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.output import facts, say, style, table
from workbench.domain.conversation import Answer, Message, Part, answer, request_messages
from workbench.domain.exchange import Attempt, Exchange

if TYPE_CHECKING:
    from workbench.store.store import Reader

LONGEST_PART = 20_000
"""Characters of one part that are shown; `body` has all of it."""


def as_json(reader: Reader, exchange: Exchange) -> dict[str, Any]:
    """Return the public form of one exchange with its headers, attempts and what was said."""
    import msgspec

    said = _answer(reader, exchange)
    return exchange.to_json() | {
        "attempt_list": [attempt.to_json() for attempt in reader.attempts(exchange.id)],
        "replays": [replay.id for replay in reader.replays(exchange.id)],
        "request_headers": [list(pair) for pair in reader.headers(exchange.id, "request")],
        "response_headers": [list(pair) for pair in reader.headers(exchange.id, "response")],
        "messages": msgspec.to_builtins(_messages(reader, exchange)),
        "answer": msgspec.to_builtins(said.messages),
    }


def print_exchange(reader: Reader, exchange: Exchange, *, color: bool) -> None:
    """Print an exchange on stdout; everything is made printable."""
    attempts = reader.attempts(exchange.id)
    replays = [replay.id for replay in reader.replays(exchange.id)]
    facts(_facts(exchange, replays), color=color)
    for message in _messages(reader, exchange):
        _print_message(message, color=color)
    said = _answer(reader, exchange)
    for message in said.messages:
        _print_message(message, color=color, label=f"{message.role} (answer)")
    if said.error:
        _print_heading("error", color=color)
        say(said.error)
    if attempts:
        click.echo()
        _print_attempts(attempts, color=color)


def moment(at_us: int) -> str:
    """Return local time for people."""
    return datetime.fromtimestamp(at_us / 1e6).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def money(usd: float | None) -> str | None:
    """Return dollars with enough digits for one request."""
    return None if usd is None else f"{usd:.6f}".rstrip("0").rstrip(".") if usd else "0"


def marks(item: Exchange) -> str:
    """Return pin, note, replay and tags in a few characters."""
    words = [
        word
        for word, there in (
            ("pin", item.pinned),
            ("note", bool(item.note)),
            ("replay", bool(item.replay_of)),
            ("hit", item.cache == "hit"),
        )
        if there
    ]
    return " ".join([*words, *(f"#{tag}" for tag in item.tags)])


def _facts(item: Exchange, replays: list[str]) -> list[tuple[str, Any]]:
    tokens = None
    if item.input_tokens is not None or item.output_tokens is not None:
        tokens = f"{item.input_tokens or 0} in, {item.output_tokens or 0} out"
        tokens += " (estimated)" if item.usage_estimated else ""
    return [
        ("id", item.id),
        ("started", moment(item.started_at)),
        ("endpoint", f"{item.endpoint}{' (stream)' if item.stream else ''}"),
        ("model", item.model),
        ("answered by", " ".join(part for part in (item.provider, item.deployment) if part)),
        ("status", f"{item.status if item.status is not None else '-'} {item.state}"),
        ("error", " ".join(part for part in (item.error_code, item.error) if part)),
        ("tokens", tokens),
        ("cost", f"${money(item.cost_usd)}" if item.cost_usd is not None else None),
        ("latency", _ms(item.latency_ms)),
        ("first byte", _ms(item.ttft_ms)),
        ("cache", item.cache if item.cache != "off" else None),
        ("run", " ".join(part for part in (item.run, item.step) if part)),
        ("session", item.session),
        ("replay of", item.replay_of),
        ("replays", ", ".join(replays)),
        ("tenant", item.tenant),
        ("client", item.client),
        ("bytes", f"{item.request_bytes} in, {item.response_bytes} out"),
        ("redacted", ", ".join(item.redactions)),
        ("marks", marks(item)),
        ("note", item.note),
    ]


def _messages(reader: Reader, exchange: Exchange) -> list[Message]:
    return request_messages(exchange.endpoint, reader.body(exchange.id, "request"))


def _answer(reader: Reader, exchange: Exchange) -> Answer:
    body = reader.body(exchange.id, "response")
    if not body and exchange.state == "running":
        return Answer()
    return answer(exchange.endpoint, body, stream=exchange.stream)


def _print_heading(text: str, *, color: bool) -> None:
    click.echo()
    click.echo(style(f"── {text} ", "head", color=color))


def _print_message(message: Message, *, color: bool, label: str | None = None) -> None:
    name = f" {message.name}" if message.name else ""
    _print_heading((label or message.role) + name, color=color)
    for part in message.parts:
        say(_part_text(part))


def _part_text(part: Part) -> str:
    text = part.text
    if len(text) > LONGEST_PART:
        text = f"{text[:LONGEST_PART]}\n… {len(text) - LONGEST_PART} more characters"
    if part.kind in {"text", "refusal"}:
        return text
    head = " ".join(word for word in (part.kind.replace("_", " "), part.name) if word)
    return f"[{head}]\n" + textwrap.indent(text, "  ")


def _print_attempts(attempts: list[Attempt], *, color: bool) -> None:
    columns = ("ATTEMPT", "DEPLOYMENT", "STATUS", "FIRST BYTE", "LATENCY", "WHY", "ERROR")
    rows = [
        (
            item.number,
            item.deployment,
            item.status,
            _ms(item.ttft_ms),
            _ms(item.latency_ms),
            item.reason,
            " ".join(part for part in (item.error_code, item.error) if part),
        )
        for item in attempts
    ]
    table(columns, rows, right=("ATTEMPT", "STATUS", "FIRST BYTE", "LATENCY"), color=color, flexible="ERROR")


def _ms(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f} ms"
