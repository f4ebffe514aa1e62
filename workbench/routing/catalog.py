"""From the name a client asks for to the deployments that answer: alias, then exact, then wildcard.

No I/O and no clock: built from a configuration, asked for names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from workbench.domain.yaml_position import nearest
from workbench.providers.provider import Deployment
from workbench.routing.builtin import GROUPS
from workbench.routing.config import RouterConfig
from workbench.routing.config_schema import Params
from workbench.routing.deployments import ANY, split_model
from workbench.routing.pricing import with_facts
from workbench.routing.values import GroupInfo

_MAX_HOPS = 8
_MAX_KNOWN = 1000
_INFO_KEYS = ("mode", "max_input_tokens", "max_output_tokens", "supports_vision", "supports_function_calling")


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """A name as the router understands it."""

    asked: str
    group: str
    """The configured group (a pattern for a wildcard)."""
    deployments: tuple[Deployment, ...]
    """Disabled ones included; upstream names filled in."""


class Catalog:
    """The groups of one configuration."""

    def __init__(self, config: RouterConfig) -> None:
        self._config = config
        self._groups: dict[str, list[Deployment]] = {}
        for deployment in config.deployments:
            self._groups.setdefault(deployment.group, []).append(deployment)
        patterns = sorted((group for group in self._groups if "*" in group), key=len, reverse=True)
        self._known: dict[str, Resolved] = {}
        self._patterns = [(group, _compiled(group)) for group in patterns]

    def resolve(self, name: str) -> Resolved | None:
        """Return what `name` means, or None when nothing answers to it."""
        if name not in self._known:
            found = self._resolve(name)
            if found is None or len(self._known) >= _MAX_KNOWN:
                return found
            self._known[name] = found
        return self._known[name]

    def _resolve(self, name: str) -> Resolved | None:
        target = self._unaliased(name)
        if target in self._groups and "*" not in target:
            return Resolved(asked=name, group=target, deployments=tuple(self._groups[target]))
        for candidate in (target, *self._prefixed(target)):
            for group, pattern in self._patterns:
                if match := pattern.fullmatch(candidate):
                    filled = tuple(self._filled(deployment, match[1]) for deployment in self._groups[group])
                    return Resolved(asked=name, group=group, deployments=filled)
        return None

    def near(self, name: str) -> list[str]:
        """Return up to three names like `name`, else the first few there are."""
        import difflib

        names = [info.name for info in self.groups() if info.enabled]
        return difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names[:5]

    def nearest(self, name: str) -> str | None:
        """Return the one name most like `name`."""
        return nearest(name, self._groups)

    def group_names(self) -> list[str]:
        """Return the configured groups, in the file's order, built-in ones last."""
        return list(self._groups)

    def deployments(self, group: str) -> list[Deployment]:
        """Return a group's deployments."""
        return self._groups[group]

    def groups(self) -> list[GroupInfo]:
        """Return the groups and visible aliases for people and ``/v1/models``."""
        infos = [self._info(group, deployments) for group, deployments in self._groups.items()]
        by_name = {info.name: info for info in infos}
        for name, alias in self._config.aliases.items():
            target = by_name.get(self._unaliased(name))
            if target is not None and not alias.hidden and name not in by_name:
                infos.append(msgspec.structs.replace(target, name=name, alias_of=target.name))
        return infos

    def _filled(self, deployment: Deployment, captured: str) -> Deployment:
        """Return the deployment with the captured text in its upstream's name."""
        if deployment.provider != ANY:
            return _filled(deployment, captured)
        provider, model = split_model(Params(model=captured)) or ("", captured)
        template = self._config.templates.get(provider)
        if template is None:
            reason = f"no provider can be told from {captured!r}: write provider/model"
            return msgspec.structs.replace(deployment, enabled=False, disabled_reason=reason)
        made = msgspec.structs.replace(
            template, id=deployment.id, group=deployment.group, order=deployment.order, model=model
        )
        return with_facts(made)

    def _info(self, group: str, deployments: list[Deployment]) -> GroupInfo:
        enabled = [deployment for deployment in deployments if deployment.enabled]
        first = (enabled or deployments)[0]
        return GroupInfo(
            name=group,
            providers=tuple(dict.fromkeys(deployment.provider for deployment in deployments)),
            enabled=bool(enabled),
            builtin=group in GROUPS and first.adapter in ("demo", "echo"),
            wildcard="*" in group,
            disabled_reason=None if enabled else first.disabled_reason,
            info={key: first.info[key] for key in _INFO_KEYS if key in first.info},
        )

    def _unaliased(self, name: str) -> str:
        for _ in range(_MAX_HOPS):
            alias = self._config.aliases.get(name)
            if alias is None:
                return name
            name = alias.target
        return name

    def _prefixed(self, name: str) -> Iterable[str]:
        if "/" in name:
            return ()
        split = split_model(Params(model=name))
        return (f"{split[0]}/{name}",) if split else ()


def _compiled(group: str) -> re.Pattern[str]:
    first, *rest = group.split("*")
    return re.compile(re.escape(first) + "(.*)" + ".*".join(re.escape(part) for part in rest), re.S)


def _filled(deployment: Deployment, captured: str) -> Deployment:
    if "*" not in deployment.model:
        return deployment
    return with_facts(msgspec.structs.replace(deployment, model=deployment.model.replace("*", captured, 1)))
