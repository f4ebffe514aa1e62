"""What runs beside the app for this home: the router's service and the sign-in proxy. Nothing is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.control.service import ServiceState
    from workbench.control.subscription.process import ProxyState
    from workbench.settings.home import Home


def services_of(home: Home) -> list[tuple[str, str]]:
    """Return (name, how it stands, with the command for more). Blocks."""
    from workbench.control.service import service_of
    from workbench.control.subscription.layout import Layout
    from workbench.control.subscription.process import state
    from workbench.domain.errors import ToolUnavailable

    try:
        found = [("service", service_words(service_of(home).state()))]
    except ToolUnavailable as error:
        found = [("service", error.message)]
    proxy = state(Layout(home))
    return [*found, ("sign-in proxy", proxy_words(proxy))] if proxy.installed else found


def service_words(state: ServiceState) -> str:
    """Return how the router's service stands."""
    if not state.installed:
        return "not installed; to start the router when you sign in: workbench service install"
    running = "active" if state.active else "not active: workbench service start"
    return f"{state.manager} {state.name}: {running}{'' if state.enabled else ', not at sign-in'}"


def proxy_words(state: ProxyState) -> str:
    """Return how the proxy for subscriptions stands."""
    accounts = f"{len(state.accounts)} account{'s' if len(state.accounts) != 1 else ''}"
    if not state.running:
        return f"not running, {accounts}; to start it: workbench auth start"
    return f"{'ready' if state.ready else 'starting'} at {state.base_url}, {accounts}"
