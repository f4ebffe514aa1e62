"""``workbench exchanges``: list, show, take out and mark what was recorded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, table
from workbench.domain.errors import UsageError

if TYPE_CHECKING:
    from workbench.domain.exchange import Exchange
    from workbench.store.store import Reader

_ID = click.argument("exchange_id", metavar="ID")
_COLUMNS = (
    "ID",
    "STARTED",
    "MODEL",
    "PROVIDER",
    "STATUS",
    "STATE",
    "IN",
    "OUT",
    "USD",
    "MS",
    "MARKS",
    "ERROR",
)


@click.group(
    epilog=examples(
        "workbench exchanges list 'model:demo status:>=400 since:2h'",
        "workbench exchanges show last",
        "workbench exchanges body ex_01k9 response > answer.json",
    )
)
def command() -> None:
    """List, show, save, tag and pin recorded exchanges.

    ID is an exchange's id, any unique beginning of it, or `last` for the newest one.
    """


@command.command(
    "list",
    epilog=examples(
        "workbench exchanges list",
        "workbench exchanges list 'status:>=400 text:\"timeout\" since:2h'",
        "workbench exchanges list '!model:demo' --limit 5 --json",
    ),
)
@click.argument("filter_", metavar="[FILTER]", nargs=-1)
@click.option(
    "--limit", "-n", default=50, show_default=True, type=click.IntRange(1, 10_000), help="At most so many."
)
@click.option("--before", metavar="ID", help="Continue below this exchange.")
@pass_context
def list_(ctx: Context, filter_: tuple[str, ...], limit: int, before: str | None) -> None:
    """List exchanges, newest first; FILTER is in the language of the terminal app."""
    from workbench.store.page import Cursor

    with ctx.reader() as reader:
        place = Cursor.of(find(reader, before)) if before else None
        page = reader.exchanges(" ".join(filter_), before=place, limit=limit)
    if ctx.json:
        emit([item.to_json() for item in page.items])
        return
    if not page.items:
        ctx.note("no exchange matches" if filter_ else "nothing is recorded yet")
        return
    table(
        _COLUMNS,
        [_row(item) for item in page.items],
        right=("STATUS", "IN", "OUT", "USD", "MS"),
        color=ctx.colored,
        flexible="ERROR",
        optional=("PROVIDER", "USD", "MARKS", "STATE", "IN", "OUT"),
    )
    if page.next is not None:
        ctx.note(f"more: --before {page.items[-1].id}")


@command.command(
    "show", epilog=examples("workbench exchanges show last", "workbench exchanges show ex_01k9 --json")
)
@_ID
@pass_context
def show_(ctx: Context, exchange_id: str) -> None:
    """Show an exchange: facts, the conversation as chat, the answer, each attempt."""
    from workbench.cli.exchange_view import as_json, print_exchange

    with ctx.reader() as reader:
        exchange = find(reader, exchange_id)
        if ctx.json:
            emit(as_json(reader, exchange))
        else:
            print_exchange(reader, exchange, color=ctx.colored)


@command.command(
    "body",
    epilog=examples(
        "workbench exchanges body last request | jq .", "workbench exchanges body ex_01k9 response > a.sse"
    ),
)
@_ID
@click.argument("side", type=click.Choice(["request", "response"]))
@click.option(
    "--attempt", type=click.IntRange(1), help="The upstream's bytes of this attempt, where they differ."
)
@pass_context
def body_(ctx: Context, exchange_id: str, side: Any, attempt: int | None) -> None:
    """Write the exact bytes of a body to stdout, unchanged."""
    with ctx.reader() as reader:
        exchange = find(reader, exchange_id)
        if attempt is None:
            data = reader.body(exchange.id, side)
        else:
            data = reader.attempt_body(exchange.id, attempt, side)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@command.command("save", epilog=examples("workbench exchanges save last --out request.json"))
@_ID
@click.option(
    "--out", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File; stdout if not given."
)
@click.option("--force", is_flag=True, help="Replace the file.")
@pass_context
def save_(ctx: Context, exchange_id: str, out: Path | None, force: bool) -> None:
    """Write the request as a payload file, which `replay` sends again. Secrets are not in it."""
    from workbench.domain.payload import dump

    with ctx.reader() as reader:
        exchange = find(reader, exchange_id)
        data = dump(reader.payload(exchange.id))
    in_body = [place for place in exchange.redactions if place.startswith("body:")]
    if in_body:
        ctx.note(f"the body was redacted when it was recorded: {', '.join(in_body)}")
    if out is None:
        sys.stdout.buffer.write(data)
        return
    if out.exists() and not force:
        raise UsageError(f"{out} exists", hint=f"workbench exchanges save {exchange.id} --out {out} --force")
    out.write_bytes(data)
    ctx.note(f"wrote {out}")


@command.command(
    "curl", epilog=examples("workbench exchanges curl last", "workbench exchanges curl ex_01k9 | sh")
)
@_ID
@pass_context
def curl_(ctx: Context, exchange_id: str) -> None:
    """Print a curl command that sends the request again; it reads the key from LITELLM_MASTER_KEY."""
    from workbench.cli.curl import curl_command

    with ctx.reader() as reader:
        exchange = find(reader, exchange_id)
        payload = reader.payload(exchange.id)
    click.echo(curl_command(exchange.id, payload, base_url=_base_url(ctx), home=ctx.home.root))
    ctx.note(f"the key, if your shell does not have it: set -a; . {ctx.home.env_file}; set +a")


@command.command(
    "tag",
    epilog=examples(
        "workbench exchanges tag last good prompt-v2", "workbench exchanges tag ex_01k9 good --remove"
    ),
)
@_ID
@click.argument("tags", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Take the tags off.")
@pass_context
def tag_(ctx: Context, exchange_id: str, tags: tuple[str, ...], remove: bool) -> None:
    """Put tags on an exchange, or take them off."""
    with ctx.store() as store:
        exchange = find(store, exchange_id)
        if remove:
            store.untag(exchange.id, *tags)
        else:
            store.tag(exchange.id, *tags)
        _said(ctx, store.exchange(exchange.id))


@command.command(
    "note",
    epilog=examples(
        "workbench exchanges note last 'wrong currency'", "workbench exchanges note last --clear"
    ),
)
@_ID
@click.argument("text", required=False)
@click.option("--clear", is_flag=True, help="Remove the note.")
@pass_context
def note_(ctx: Context, exchange_id: str, text: str | None, clear: bool) -> None:
    """Write a note on an exchange; it is searched like its texts."""
    if bool(text) == clear:
        raise UsageError(
            "give a TEXT or --clear", hint=f"workbench exchanges note {exchange_id} 'what you saw'"
        )
    with ctx.store() as store:
        exchange = find(store, exchange_id)
        store.set_note(exchange.id, None if clear else text)
        _said(ctx, store.exchange(exchange.id))


@command.command("pin", epilog=examples("workbench exchanges pin last"))
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@pass_context
def pin_(ctx: Context, ids: tuple[str, ...]) -> None:
    """Keep exchanges: pruning never takes a pinned one."""
    _pin(ctx, ids, pinned=True)


@command.command("unpin", epilog=examples("workbench exchanges unpin ex_01k9"))
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@pass_context
def unpin_(ctx: Context, ids: tuple[str, ...]) -> None:
    """Let pruning take exchanges again."""
    _pin(ctx, ids, pinned=False)


def find(reader: Reader, given: str) -> Exchange:
    """Return the exchange for an id, its beginning, or ``last``. Raises UnknownId or AmbiguousId."""
    if given != "last":
        return reader.exchange(given)
    newest = reader.exchanges(limit=1).items
    if not newest:
        raise UsageError("nothing is recorded yet", hint="workbench exchanges list")
    return newest[0]


def _pin(ctx: Context, ids: tuple[str, ...], *, pinned: bool) -> None:
    with ctx.store() as store:
        found = [find(store, given) for given in ids]  # all are known before any is changed
        for exchange in found:
            store.set_pinned(exchange.id, pinned)
        changed = [store.exchange(exchange.id) for exchange in found]
    if ctx.json:
        emit([exchange.to_json() for exchange in changed])
    else:
        for exchange in changed:
            ctx.note(f"{exchange.id} {'is pinned' if exchange.pinned else 'is not pinned'}")


def _said(ctx: Context, exchange: Exchange) -> None:
    if ctx.json:
        emit(exchange.to_json())
    else:
        marks = [f"tags: {', '.join(exchange.tags) or '-'}"]
        marks += [f"note: {exchange.note}"] if exchange.note else []
        ctx.note(f"{exchange.id}  " + "  ".join(marks))


def _base_url(ctx: Context) -> str:
    from workbench.control.locate import look

    seen = look(ctx.home)
    if seen.state == "ready" and seen.file is not None:
        return seen.file.base_url
    ctx.note("the router is down; the address is the configured one")
    return f"http://{ctx.settings.router.host}:{ctx.settings.router.port}"


def _row(item: Exchange) -> tuple[Any, ...]:
    from workbench.cli.exchange_view import marks, moment, money

    return (
        item.id,
        moment(item.started_at),
        item.model,
        item.provider,
        item.status,
        item.state,
        item.input_tokens,
        item.output_tokens,
        money(item.cost_usd),
        None if item.latency_ms is None else f"{item.latency_ms:.0f}",
        marks(item),
        item.error or "",
    )
