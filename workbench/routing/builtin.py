"""The groups that answer in every home without any key."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.providers.provider import Deployment, Price

DEMO_GROUPS = ("demo", "demo-flaky", "demo-truncating", "demo-hostile")
GROUPS = (*DEMO_GROUPS, "echo")


def builtin_deployments(taken: Iterable[str]) -> list[Deployment]:
    """Return the built-in deployments of the groups that the config does not name itself."""
    names = set(taken)
    return [_deployment(group) for group in GROUPS if group not in names]


def _deployment(group: str) -> Deployment:
    adapter = "echo" if group == "echo" else "demo"
    return Deployment(
        id=f"{group}:builtin",
        group=group,
        provider=adapter,
        adapter=adapter,
        model=group,
        info={"mode": "chat", "canned": True},
        price=Price(input=0.0, output=0.0, source="built in"),
    )
