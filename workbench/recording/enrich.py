"""Fill in what the caller could not know without reading the answer; runs in the recorder process."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.store.operations import Finish

_log = logging.getLogger(__name__)
_CALLS = re.compile(rb'_(?:calls"(?<="tool_calls")|use"(?<="tool_use")|call"(?<="function_call"))')
"""One of these stands in every answer that calls a tool; they are looked for by the byte they share."""


def enrich(finish: Finish) -> None:
    """Set finish reason, tokens and called tools of the exchange where they are still unknown."""
    exchange = finish.exchange
    known = exchange.finish_reason is not None or exchange.input_tokens is not None
    if not finish.body or (known and not _CALLS.search(finish.body)):
        return
    from workbench.domain import conversation

    try:
        answer = conversation.answer(exchange.endpoint, finish.body, stream=exchange.stream)
    except Exception:
        _log.exception("the answer of %s can't be read", exchange.id)
        return
    exchange.tools = exchange.tools or answer.tools
    if known:
        return
    exchange.finish_reason = answer.finish_reason
    exchange.input_tokens = answer.usage.input_tokens
    exchange.output_tokens = answer.usage.output_tokens
    exchange.cached_tokens = answer.usage.cached_tokens
    exchange.cache_write_tokens = answer.usage.cache_write_tokens
    exchange.reasoning_tokens = answer.usage.reasoning_tokens
    exchange.usage_estimated = answer.usage.estimated
