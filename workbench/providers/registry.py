"""All providers of one router, by the name a deployment's `adapter` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.providers.demo import DemoProvider
from workbench.providers.echo import EchoProvider
from workbench.providers.litellm import LitellmProvider
from workbench.providers.playback import PlaybackProvider
from workbench.providers.provider import Provider
from workbench.providers.wire import WireProvider

if TYPE_CHECKING:
    from workbench.store.reader import Reader


def make_providers(reader: Reader | None = None) -> dict[str, Provider]:
    """Return the providers. `reader` is where playback reads recordings; without it playback says so.

    Call it on the running loop; close each with `aclose` (the Router does).
    """
    providers: list[Provider] = [
        WireProvider(),
        LitellmProvider(),
        EchoProvider(),
        DemoProvider(),
        PlaybackProvider(reader),
    ]
    return {provider.name: provider for provider in providers}
