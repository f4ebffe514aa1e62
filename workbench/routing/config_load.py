"""Loading ``config.yaml`` in LiteLLM's order: includes, environment, sections, deployments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from workbench.domain.errors import ConfigError
from workbench.domain.times import parse_duration_us
from workbench.domain.yaml_position import nearest
from workbench.providers.provider import Deployment, Secret
from workbench.routing.builtin import builtin_deployments
from workbench.routing.config import Alias, CacheSettings, Fallbacks, RouterConfig, RoutingSettings
from workbench.routing.config_check import check_entry_keys, check_sections, check_top_level, convert
from workbench.routing.config_notice import Notice
from workbench.routing.config_schema import Entry, GeneralSection, LitellmSection, RouterSection
from workbench.routing.config_yaml import Document, Source, read_document, resolve
from workbench.routing.deployments import ANY, Builder
from workbench.routing.import_providers import import_providers, looks_like_providers
from workbench.routing.policy_file import load_policy
from workbench.routing.pricing import with_facts
from workbench.routing.profiles import with_profile
from workbench.routing.retry import ERROR_KINDS
from workbench.routing.strategy import STRATEGIES


class _Sections(msgspec.Struct):
    router: RouterSection
    litellm: LitellmSection
    general: GeneralSection


def load_file(path: Path, environ: Mapping[str, str]) -> RouterConfig:
    """Return the configuration in `path` with the built-in groups. Raises ConfigError."""
    if not path.is_file():
        return RouterConfig(deployments=tuple(builtin_deployments(())), files=(path,))
    document = read_document(path)
    notices = _imported(document) + check_top_level(document) + check_sections(document)
    environ = _with_variables(document, environ)
    sections = _sections(document, environ)
    builder = Builder(sections.router, environ, sections.litellm.request_timeout)
    deployments = _deployments(document, sections, environ, builder, notices)
    anything = any(deployment.provider == ANY for deployment in deployments)
    groups = {deployment.group for deployment in deployments}
    deployments += builtin_deployments(groups)
    config = RouterConfig(
        deployments=tuple(deployments),
        templates=builder.templates() if anything else {},
        settings=_settings(document, sections),
        fallbacks=_fallbacks(sections),
        aliases=_aliases(document, sections.router),
        cache=_cache(document, sections, notices),
        master_key=Secret(sections.general.master_key) if sections.general.master_key else None,
        default_model=environ.get("LLMROUTER_DEFAULT_MODEL")
        or sections.router.default_model
        or sections.general.completion_model,
        profile=sections.router.profile,
        background_health_checks=sections.general.background_health_checks,
        health_check_interval_s=sections.general.health_check_interval,
        notices=tuple(notices),
        files=tuple(document.files),
    )
    return msgspec.structs.replace(config, notices=(*notices, *_unknown_targets(document, config)))


def load_files(path: Path, policy_path: Path, environ: Mapping[str, str]) -> RouterConfig:
    """Return the configuration in `path` with the tenants of `policy_path`. Raises ConfigError.

    ``LLMROUTER_CONFIG`` in `environ` names another file than `path`.
    """
    named = environ.get("LLMROUTER_CONFIG")
    if named and not Path(named).expanduser().is_file():
        raise ConfigError(f"there is no file {named}", file="LLMROUTER_CONFIG")
    config = load_file(Path(named).expanduser() if named else path, environ)
    policy, profiles = load_policy(policy_path, environ)
    whole = msgspec.structs.replace(
        config, policy=policy, own_profiles=profiles, files=(*config.files, policy_path)
    )
    with_profile(whole, whole.profile, profiles)
    return whole


def _imported(document: Document) -> list[Notice]:
    """Turn a ``providers.yaml`` into LiteLLM's form in place; tell what was not taken over."""
    if not looks_like_providers(document.data):
        return []
    try:
        made = import_providers(document.data)
    except ValueError as error:
        raise document.error(str(error), ["providers"]) from None
    source = Source(document.files[0], "")
    document.data = {}
    document.merge(made.config, source)
    return [Notice(message=note, file=str(document.files[0])) for note in made.notes]


def _with_variables(document: Document, environ: Mapping[str, str]) -> Mapping[str, str]:
    own = document.data.get("environment_variables") or {}
    if not isinstance(own, dict):
        raise document.error("a mapping of names to values is needed", ["environment_variables"])
    resolved = resolve(own, environ)
    return {**{name: str(value) for name, value in resolved.items() if value is not None}, **environ}


def _sections(document: Document, environ: Mapping[str, str]) -> _Sections:
    def section(name: str) -> Any:
        return resolve(document.data.get(name) or {}, environ)

    return _Sections(
        router=convert(document, section("router_settings"), RouterSection, ["router_settings"]),
        litellm=convert(document, section("litellm_settings"), LitellmSection, ["litellm_settings"]),
        general=convert(document, section("general_settings"), GeneralSection, ["general_settings"]),
    )


def _deployments(
    document: Document,
    sections: _Sections,
    environ: Mapping[str, str],
    builder: Builder,
    notices: list[Notice],
) -> list[Deployment]:
    entries = document.data.get("model_list")
    entries = [] if entries is None else entries
    if not isinstance(entries, list):
        raise document.error("a list of deployments is needed", ["model_list"])
    credentials = _credentials(document, environ)
    found: list[Deployment] = []
    for index, given in enumerate(entries):
        if not isinstance(given, dict):
            raise document.error(
                "a mapping with model_name and litellm_params is needed", ["model_list", index]
            )
        notices += check_entry_keys(document, index, given)
        raw = _completed(document, index, given, sections.router.default_litellm_params, credentials)
        entry = convert(document, resolve(raw, environ), Entry, ["model_list", index])
        found.append(with_facts(builder.build(entry, raw)))
    _refuse_twins(document, found)
    return found


def _completed(
    document: Document,
    index: int,
    given: dict[str, Any],
    defaults: dict[str, Any],
    credentials: dict[str, Any],
) -> dict[str, Any]:
    """Return the entry with default parameters and its named credential put in."""
    params = given.get("litellm_params")
    if not isinstance(params, dict):
        return given
    name = params.get("litellm_credential_name")
    if name is not None and name not in credentials:
        near = nearest(str(name), credentials)
        steps: list[str | int] = ["model_list", index, "litellm_params", "litellm_credential_name"]
        hint = f"did you mean {near!r}?" if near else None
        raise document.error(f"no credential of the name {name!r} in credential_list", steps, hint=hint)
    return {**given, "litellm_params": {**defaults, **credentials.get(str(name), {}), **params}}


def _credentials(document: Document, environ: Mapping[str, str]) -> dict[str, Any]:
    listed = resolve(document.data.get("credential_list") or [], environ)
    if not isinstance(listed, list):
        raise document.error("a list of credentials is needed", ["credential_list"])
    return {
        str(item["credential_name"]): item.get("credential_values") or {}
        for item in listed
        if isinstance(item, dict) and "credential_name" in item
    }


def _refuse_twins(document: Document, deployments: list[Deployment]) -> None:
    seen: dict[str, int] = {}
    for index, deployment in enumerate(deployments):
        if deployment.id in seen:
            steps: list[str | int] = ["model_list", index, "model_info", "id"]
            raise document.error(
                f"the id {deployment.id!r} is used by entry {seen[deployment.id]} too", steps
            )
        seen[deployment.id] = index


def _settings(document: Document, sections: _Sections) -> RoutingSettings:
    router = sections.router
    if router.routing_strategy not in STRATEGIES:
        near = nearest(router.routing_strategy, STRATEGIES)
        hint = f"did you mean {near!r}?" if near else f"one of {', '.join(STRATEGIES)}"
        steps: list[str | int] = ["router_settings", "routing_strategy"]
        raise document.error(f"unknown strategy {router.routing_strategy!r}", steps, hint=hint)
    retries = sections.litellm.num_retries if router.num_retries is None else router.num_retries
    return RoutingSettings(
        strategy=router.routing_strategy,
        strategy_args=router.routing_strategy_args,
        num_retries=2 if retries is None else retries,
        retry_after_s=router.retry_after,
        retry_policy=_per_kind(document, router.retry_policy, "retry_policy", "Retries"),
        group_retry_policy={
            group: _per_kind(document, policy, "model_group_retry_policy", "Retries")
            for group, policy in router.model_group_retry_policy.items()
        },
        cooldown_s=router.cooldown_time,
        allowed_fails=router.allowed_fails
        if sections.litellm.allowed_fails is None
        else sections.litellm.allowed_fails,
        allowed_fails_policy=_per_kind(
            document, router.allowed_fails_policy, "allowed_fails_policy", "AllowedFails"
        ),
        failure_rate=router.failure_rate,
        failure_window_s=router.failure_window,
        failure_min_requests=router.failure_min_requests,
        disable_cooldowns=router.disable_cooldowns,
        pre_call_checks=router.enable_pre_call_checks,
        tag_filtering=router.enable_tag_filtering,
        queue_s=router.queue_timeout,
        budget_s=router.time_budget,
        provider_budgets=router.provider_budget_config,
        policy_hook=router.policy_hook,
        policy_hook_timeout_s=router.policy_hook_timeout,
    )


def _per_kind(document: Document, given: Mapping[str, int | None], key: str, suffix: str) -> dict[str, int]:
    known = [f"{kind}{suffix}" for kind in ERROR_KINDS]
    for name in given:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"one of {', '.join(known)}"
            raise document.error(f"unknown kind of error {name!r}", ["router_settings", key, name], hint=hint)
    return {name.removesuffix(suffix): count for name, count in given.items() if count is not None}


def _fallbacks(sections: _Sections) -> Fallbacks:
    router, litellm = sections.router, sections.litellm
    return Fallbacks(
        general=_chains(router.fallbacks or litellm.fallbacks or ()),
        context_window=_chains(router.context_window_fallbacks or litellm.context_window_fallbacks or ()),
        content_policy=_chains(router.content_policy_fallbacks or litellm.content_policy_fallbacks or ()),
        default=tuple(router.default_fallbacks or litellm.default_fallbacks or ()),
        max_fallbacks=router.max_fallbacks,
    )


def _chains(given: Iterable[Mapping[str, list[str]]]) -> dict[str, tuple[str, ...]]:
    return {group: tuple(targets) for mapping in given for group, targets in mapping.items()}


def _aliases(document: Document, router: RouterSection) -> dict[str, Alias]:
    aliases = {}
    for name, given in router.model_group_alias.items():
        target, hidden = (
            (given, False) if isinstance(given, str) else (given.get("model"), bool(given.get("hidden")))
        )
        if not isinstance(target, str):
            steps: list[str | int] = ["router_settings", "model_group_alias", name]
            raise document.error("a group's name or {model, hidden} is needed", steps)
        aliases[name] = Alias(target, hidden)
    return aliases


def _cache(document: Document, sections: _Sections, notices: list[Notice]) -> CacheSettings:
    litellm = sections.litellm
    params = litellm.cache_params
    kind = params.get("type", "local")
    if litellm.cache and kind not in ("local", "disk"):
        file, line = document.where(["litellm_settings", "cache_params", "type"])
        message = f"a cache of type {kind!r} is kept in the process instead"
        notices.append(
            Notice(message=message, file=file, line=line, path="litellm_settings.cache_params.type")
        )
    return CacheSettings(
        enabled=litellm.cache or bool(sections.router.cache_responses),
        ttl_s=_seconds(params.get("ttl"), 600.0),
    )


def _seconds(value: Any, default: float) -> float:
    if isinstance(value, str):
        return parse_duration_us(value) / 1e6
    return float(value) if isinstance(value, (int, float)) else default


def _unknown_targets(document: Document, config: RouterConfig) -> list[Notice]:
    """Tell of aliases and fallbacks that name no group."""
    groups = {deployment.group for deployment in config.deployments} | config.aliases.keys()
    named: list[tuple[str, str]] = [("model_group_alias", alias.target) for alias in config.aliases.values()]
    named += [("default_fallbacks", target) for target in config.fallbacks.default]
    for key, chains in (
        ("fallbacks", config.fallbacks.general),
        ("context_window_fallbacks", config.fallbacks.context_window),
        ("content_policy_fallbacks", config.fallbacks.content_policy),
    ):
        named += [(key, target) for targets in chains.values() for target in targets]
    wildcard = any("*" in group for group in groups)
    notices = []
    for key, target in named:
        if target not in groups and not wildcard:
            file, line = document.where(["router_settings", key])
            near = nearest(target, groups)
            hint = f"did you mean {near!r}?" if near else None
            message = f"no group of the name {target!r}"
            notices.append(
                Notice(message=message, file=file, line=line, path=f"router_settings.{key}", hint=hint)
            )
    return notices
