"""``workbench export`` and ``workbench import``: exchanges in files, for elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit
from workbench.domain.errors import CheckFailed, UsageError

if TYPE_CHECKING:
    from workbench.store.reader import Reader
    from workbench.store.transfer.copying import Copied

_FORMATS = ("cassette", "jsonl", "har", "otel")
_ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".har": "har", ".json": "otel", ".db": "llm"}


@click.command(
    epilog=examples(
        "workbench export traffic.cassette 'since:1d'",
        "workbench export run.har run:run_01k9",
        "workbench export - model:demo --format jsonl | jq .answer",
    )
)
@click.argument("file")
@click.argument("filter_", metavar="[FILTER]", nargs=-1)
@click.option("--format", "format_", type=click.Choice(_FORMATS), help="Instead of what FILE's ending says.")
@click.option("--limit", "-n", type=click.IntRange(1), help="At most so many, the newest first.")
@click.option("--content", is_flag=True, help="With otel: also what was said.")
@pass_context
def export_command(
    ctx: Context,
    /,
    *,
    file: str,
    filter_: tuple[str, ...],
    format_: str | None,
    limit: int | None,
    content: bool,
) -> None:
    """Write the exchanges FILTER chooses to FILE (- for stdout); without FILTER, all.

    The ending chooses the format: .cassette (for `workbench import`, with runs), .jsonl, .har (browsers'
    tools, mitmproxy), .json (OpenTelemetry GenAI spans). Secrets are never exported.
    """
    chosen_format = format_ or _ENDINGS.get(Path(file).suffix.lower(), "cassette")
    with ctx.reader() as reader:
        if file == "-":
            copied = _write(
                reader, sys.stdout.buffer, chosen_format, " ".join(filter_), limit, content=content
            )
            sys.stdout.buffer.flush()
        else:
            copied = _to_file(reader, Path(file), chosen_format, " ".join(filter_), limit, content=content)
            if ctx.json:
                emit({"file": file, "format": chosen_format, **copied.to_json()})
    ctx.note(f"exported {copied.exchanges} exchanges as {chosen_format}")
    if copied.damaged:
        raise CheckFailed(
            f"{len(copied.damaged)} exchanges could not be read and are left out",
            hint="workbench store verify",
        )


def _to_file(
    reader: Reader, path: Path, format_: str, where: str, limit: int | None, *, content: bool
) -> Copied:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as out:
            copied = _write(reader, out, format_, where, limit, content=content)
        part.replace(path)
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    return copied


def _write(
    reader: Reader, out: BinaryIO, format_: str, where: str, limit: int | None, *, content: bool
) -> Copied:
    from workbench.store.transfer.cassette import write_cassette
    from workbench.store.transfer.copying import Copied, chosen, records, with_runs
    from workbench.store.transfer.har import write_har
    from workbench.store.transfer.jsonl import write_jsonl
    from workbench.store.transfer.otel import write_otel

    copied = Copied()
    found = records(reader, chosen(reader, where, limit), copied)
    if format_ == "cassette":
        write_cassette(with_runs(reader, found, copied), out)
    elif format_ == "otel":
        write_otel(found, out, content=content)
    elif format_ == "har":
        write_har(found, out)
    else:
        write_jsonl(found, out)
    return copied


@click.command(
    epilog=examples(
        "workbench import traffic.cassette",
        "workbench import capture.har",
        'workbench import "$(llm logs path)"',
    )
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--format",
    "format_",
    type=click.Choice(("cassette", "jsonl", "har", "llm")),
    help="Instead of FILE's ending.",
)
@pass_context
def import_command(ctx: Context, /, *, file: Path, format_: str | None) -> None:
    """Read exchanges from a cassette, JSONL or HAR file, or from logs.db of the llm tool.

    What is in the store already stays as it is, so that importing twice does no harm.
    """
    from workbench.store.transfer.copying import import_items

    chosen_format = format_ or _ENDINGS.get(file.suffix.lower(), "cassette")
    reading = _readers().get(chosen_format)
    if reading is None:
        raise UsageError(f"{chosen_format} files can't be imported", hint="cassette, jsonl, har and llm can")
    copied = import_items(ctx.home.store, reading(file))
    if ctx.json:
        emit({"file": str(file), "format": chosen_format, **copied.to_json()})
    ctx.note(f"imported {copied.exchanges} exchanges, {copied.runs} runs; {copied.known} were there already")


def _readers() -> dict[str, Callable[[Path], Iterable[Any]]]:
    from workbench.store.transfer.cassette import read_cassette
    from workbench.store.transfer.har import read_har
    from workbench.store.transfer.jsonl import read_jsonl
    from workbench.store.transfer.llm_logs import read_llm_logs

    def opened(read: Callable[[BinaryIO, str], Iterable[Any]]) -> Callable[[Path], Iterable[Any]]:
        def items(path: Path) -> Iterable[Any]:
            with path.open("rb") as source:
                yield from read(source, path.name)

        return items

    return {
        "cassette": opened(read_cassette),
        "jsonl": opened(read_jsonl),
        "har": opened(read_har),
        "llm": read_llm_logs,
    }
