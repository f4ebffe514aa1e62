"""Reading ``models-policy.yaml``: tenants in the words of LiteLLM's teams.

::

    tenants:
      default: {models: ["*"], rpm_limit: 600}
      team-a:
        models: [demo, "openai/*"]
        rpm_limit: 60
        tpm_limit: 100000
        max_parallel_requests: 4
        max_budget: 5.0          # USD
        max_budget_tokens: 1000000
        budget_duration: 1d
        keys: [{name: laptop, sha256: 64 hex digits}]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from workbench.domain.times import parse_duration_us
from workbench.domain.yaml_position import nearest
from workbench.routing.budget import Budget
from workbench.routing.config_check import convert
from workbench.routing.config_schema import field_names
from workbench.routing.config_yaml import Document, read_document, resolve
from workbench.routing.tenants import Policy, Tenant

_TOP = ("tenants", "profiles")
_NAME = re.compile(r"[\w.@-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LITELLM_DURATION = re.compile(r"(\d+)mo")


class _Key(msgspec.Struct, forbid_unknown_fields=True):
    sha256: str
    name: str | None = None


class _Tenant(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    models: list[str] = msgspec.field(default_factory=lambda: ["*"])
    rpm_limit: int | None = None
    tpm_limit: int | None = None
    max_parallel_requests: int | None = None
    max_budget: float | None = None
    max_budget_tokens: int | None = None
    budget_duration: str | None = None
    keys: list[_Key] = []


def load_policy(path: Path, environ: Mapping[str, str]) -> tuple[Policy, dict[str, dict[str, Any]]]:
    """Return the tenants and the user's own profiles; a missing file means none. Raises ConfigError."""
    if not path.is_file():
        return Policy(), {}
    document = read_document(path)
    for key in document.data:
        if key not in _TOP:
            near = nearest(key, _TOP)
            hint = f"did you mean {near!r}?" if near else f"one of {', '.join(_TOP)}"
            raise document.error(f"unknown key {key!r}", [key], hint=hint)
    given = _mapping(document, "tenants")
    tenants = {name: _tenant(document, name, resolve(value, environ)) for name, value in given.items()}
    return Policy(tenants=tenants), _mapping(document, "profiles")


def _mapping(document: Document, key: str) -> dict[str, Any]:
    given = document.data.get(key) or {}
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        raise document.error("a mapping of names is needed", [key])
    return given


def _tenant(document: Document, name: str, given: Any) -> Tenant:
    steps: list[str | int] = ["tenants", name]
    if not _NAME.fullmatch(name):
        raise document.error(f"{name!r} is no tenant's name: letters, digits, . @ _ -", steps)
    known = field_names(_Tenant)
    for key in given if isinstance(given, dict) else ():
        if key not in known:
            near = nearest(key, known)
            hint = f"did you mean {near!r}?" if near else f"one of {', '.join(known)}"
            raise document.error(f"unknown key {key!r}", [*steps, key], hint=hint)
    read = convert(document, given or {}, _Tenant, steps)
    for index, key in enumerate(read.keys):
        if not _DIGEST.fullmatch(key.sha256):
            hint = f"workbench tenant key {name}   # makes a key and writes its digest"
            raise document.error("a key is kept as its SHA-256 in hex", [*steps, "keys", index], hint=hint)
    return Tenant(
        name=name,
        models=tuple(read.models),
        rpm=read.rpm_limit,
        tpm=read.tpm_limit,
        max_parallel=read.max_parallel_requests,
        budget=Budget(
            usd=read.max_budget,
            tokens=read.max_budget_tokens,
            period_s=_period(document, [*steps, "budget_duration"], read.budget_duration),
        ),
        key_digests=tuple(key.sha256 for key in read.keys),
    )


def _period(document: Document, steps: list[str | int], given: str | None) -> float | None:
    try:
        return period_s(given)
    except ValueError as error:
        raise document.error(str(error), steps) from None


def period_s(given: str | None) -> float | None:
    """Return the seconds of ``30s``, ``1d`` or LiteLLM's ``1mo`` (30 days). Raises ValueError."""
    if given is None:
        return None
    months = _LITELLM_DURATION.fullmatch(given)
    return int(months[1]) * 30 * 86_400.0 if months else parse_duration_us(given) / 1e6
