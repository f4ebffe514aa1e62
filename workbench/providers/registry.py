"""All providers of one router, by the name a deployment's `adapter` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.providers.provider import Provider

if TYPE_CHECKING:
    from workbench.store.store import Reader


def make_providers(reader: Reader | None = None) -> dict[str, Provider]:
    """Return the providers. `reader` is where playback reads recordings; without it playback says so.

    Call it on the running loop; close each with `aclose` (the Router does).
    """
    raise NotImplementedError
