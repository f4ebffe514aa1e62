"""Facts of an exchange as aligned lines: tokens and cost, and the head of a preview."""

from __future__ import annotations

from workbench.domain.exchange import Exchange
from workbench.domain.text import one_line
from workbench.tui import exchange_row as row
from workbench.tui import format as fmt
from workbench.tui.document import Line, Lines

_WIDTH = 18


def fact(name: str, value: str, kind: str = "text", width: int = _WIDTH) -> Line:
    """Return one line: a name, and its value aligned."""
    return Line(value, kind, width, f"  {name}", "dim")


def cost(exchange: Exchange) -> Lines:
    """Return tokens and money, and who is charged."""
    lines = Lines()
    cached, fresh = exchange.cached_tokens or 0, exchange.input_tokens
    guess = "  (our own count: the upstream did not say)" if exchange.usage_estimated else ""
    lines.lines = [
        Line("tokens", "bold accent"),
        fact("input", fmt.exact(exchange.input_tokens) + guess),
        fact(
            "  from cache", f"{fmt.exact(exchange.cached_tokens)}   {fmt.percent(cached, fresh or 0)}", "dim"
        ),
        fact("  into cache", fmt.exact(exchange.cache_write_tokens), "dim"),
        fact("output", fmt.exact(exchange.output_tokens)),
        fact("  reasoning", fmt.exact(exchange.reasoning_tokens), "dim"),
        Line(""),
        Line("cost", "bold accent"),
        fact("this exchange", fmt.money(exchange.cost_usd), "bold"),
        fact("per 1,000 like it", _thousand(exchange)),
        fact("router's cache", exchange.cache),
        Line(""),
        Line("who", "bold accent"),
        *who(exchange),
    ]
    return lines


def _thousand(exchange: Exchange) -> str:
    return fmt.money(exchange.cost_usd * 1000) if exchange.cost_usd is not None else "–"


def who(exchange: Exchange) -> list[Line]:
    """Return where it came from and where it went."""
    pairs = [
        ("id", exchange.id),
        ("model", exchange.model),
        ("deployment", exchange.deployment),
        ("provider", exchange.provider),
        ("endpoint", exchange.endpoint + ("  streamed" if exchange.stream else "")),
        ("tenant", exchange.tenant),
        ("client", exchange.client),
        ("run", exchange.run),
        ("step", exchange.step),
        ("session", exchange.session),
        ("replay of", exchange.replay_of),
        ("tags", ", ".join(exchange.tags) or None),
        ("note", exchange.note),
        ("redacted", ", ".join(exchange.redactions) or None),
        ("sizes", f"{fmt.size(exchange.request_bytes)} asked, {fmt.size(exchange.response_bytes)} answered"),
    ]
    return [fact(name, one_line(str(value), 400)) for name, value in pairs if value]


def head(exchange: Exchange) -> str:
    """Return one line for a title: status, model, time, tokens, cost."""
    glyph, _ = row.state(exchange)
    tokens = f"{fmt.count(exchange.input_tokens)}→{fmt.count(exchange.output_tokens)}"
    parts = [glyph, one_line(exchange.model or "–", 40), fmt.duration(exchange.latency_ms), tokens]
    if exchange.cost_usd is not None:
        parts.append(fmt.money(exchange.cost_usd))
    return "  ".join(parts)
