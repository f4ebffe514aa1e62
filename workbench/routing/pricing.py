"""What tokens cost: own prices from the config, else litellm's map, read as a file and never imported."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from typing import Any

import msgspec

from workbench.domain.exchange import Usage
from workbench.providers.provider import Deployment, Price

_MAP = "litellm/model_prices_and_context_window_backup.json"


class ModelFacts(msgspec.Struct, frozen=True):
    """What litellm's map says about one model; prices in USD a token."""

    litellm_provider: Any = None
    mode: Any = None
    max_input_tokens: Any = None
    max_output_tokens: Any = None
    input_cost_per_token: Any = None
    output_cost_per_token: Any = None
    cache_read_input_token_cost: Any = None
    cache_creation_input_token_cost: Any = None
    output_cost_per_reasoning_token: Any = None
    supports_vision: Any = None
    supports_function_calling: Any = None
    supports_reasoning: Any = None


@cache
def price_map() -> dict[str, ModelFacts]:
    """Return litellm's map (some 4,000 models, about 25 ms); empty where litellm is not installed."""
    try:
        path = metadata.distribution("litellm").locate_file(_MAP)
        with open(str(path), "rb") as file:  # noqa: PTH123 - locate_file gives no Path
            return msgspec.json.decode(file.read(), type=dict[str, ModelFacts])
    except (metadata.PackageNotFoundError, OSError, msgspec.DecodeError):
        return {}


def model_facts(provider: str, model: str, base_model: str | None = None) -> ModelFacts | None:
    """Return what is known about a model, under the names litellm's map may have it."""
    known = price_map()
    for name in (base_model, f"{provider}/{model}"):
        if name and name in known:
            return known[name]
    found = known.get(model)
    if found is not None and (base_model is None) and _same_provider(found, provider):
        return found
    return None


def _same_provider(facts: ModelFacts, provider: str) -> bool:
    return str(facts.litellm_provider).split("-")[0] == provider


def with_facts(deployment: Deployment) -> Deployment:
    """Return the deployment with price, context window and abilities filled in where the config is silent."""
    if deployment.adapter in ("demo", "echo") or "*" in deployment.model:
        return deployment
    facts = model_facts(deployment.provider, deployment.model, deployment.info.get("base_model"))
    if facts is None:
        return deployment
    given = msgspec.structs.asdict(facts)
    shown = (
        "mode",
        "max_input_tokens",
        "max_output_tokens",
        *(key for key in given if key.startswith("supports_")),
    )
    info = {key: given[key] for key in shown if given[key] is not None}
    return msgspec.structs.replace(
        deployment,
        info={**info, **deployment.info},
        price=deployment.price or _price(facts),
        max_input_tokens=deployment.max_input_tokens or _count(facts.max_input_tokens),
    )


def cost_usd(price: Price | None, usage: Usage | None) -> float | None:
    """Return what the tokens cost, in USD; None where price or tokens are not known.

    Cached and written input is part of the input, reasoning part of the output; each has its own price
    where there is one.
    """
    if price is None or usage is None or price.input is None or usage.input_tokens is None:
        return None
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    fresh = max(usage.input_tokens - cached - written, 0)
    reasoning = usage.reasoning_tokens or 0
    spoken = max((usage.output_tokens or 0) - reasoning, 0)
    output = price.output or 0.0
    return (
        fresh * price.input
        + cached * _or(price.cached, price.input)
        + written * _or(price.cache_write, price.input)
        + spoken * output
        + reasoning * _or(price.reasoning, output)
    )


def estimate_usd(price: Price | None, input_tokens: int, max_tokens: int | None) -> float | None:
    """Return about what a request will cost: its input, and its limit (or 500 tokens) of output."""
    return cost_usd(price, Usage(input_tokens=input_tokens, output_tokens=max_tokens or 500))


def _price(facts: ModelFacts) -> Price | None:
    if not isinstance(facts.input_cost_per_token, (int, float)):
        return None
    return Price(
        input=_amount(facts.input_cost_per_token),
        output=_amount(facts.output_cost_per_token),
        cached=_amount(facts.cache_read_input_token_cost),
        cache_write=_amount(facts.cache_creation_input_token_cost),
        reasoning=_amount(facts.output_cost_per_reasoning_token),
        source="litellm map",
    )


def _amount(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) else None


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
