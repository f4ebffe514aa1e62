"""`workbench tenant` without a router."""

from __future__ import annotations


def test_tenants_are_listed_without_a_router(workbench, home_dir):
    """The policy file speaks for itself when no router runs; an unknown tenant is exit 2."""
    assert workbench("tenant", "list", "--json").json == []
    said = workbench("tenant", "key", "team-b", "--quiet")
    assert said.out.startswith("sk-wb-")
    assert said.err == ""
    assert [row["name"] for row in workbench("tenant", "list", "--json").json] == ["team-b"]
    assert workbench("tenant", "show", "nobody").code == 2
    assert workbench("tenant", "key", "no such name").code == 2
