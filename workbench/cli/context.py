"""What every command is given: the home, its settings, the store, the router, and how to print.

Nothing is opened before it is asked for, so that ``--help`` and ``version`` cost nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from workbench.cli.output import talk

if TYPE_CHECKING:
    from workbench.client import RouterClient
    from workbench.control.locate import RouterAddress
    from workbench.settings.home import Home
    from workbench.settings.sections import Settings
    from workbench.store.store import Reader, Store

T = TypeVar("T")


class Context:
    """State of one command. Flags set the plain attributes before anything else is touched."""

    def __init__(self) -> None:
        self.home_flag: Path | None = None
        self.json = False
        self.quiet = False
        self.color: bool | None = None
        """False with --no-color or NO_COLOR; None: the terminal decides."""
        self.no_start = False

    @cached_property
    def bare_home(self) -> Home:
        """The home's place; nothing is created."""
        from workbench.settings.home import find_home

        return find_home(self.home_flag, os.environ, Path.cwd())

    @cached_property
    def home(self) -> Home:
        """The home, created with working defaults on first use."""
        from workbench.control.home import ensure_home

        created = ensure_home(self.bare_home)
        if self.bare_home.config in created and not self.quiet:
            talk(f"created a home in {self.bare_home.root}")
        return self.bare_home

    @cached_property
    def settings(self) -> Settings:
        """The home's settings with `.env` and the environment on top; flags are the command's own."""
        from workbench.settings.keys import merged_environment
        from workbench.settings.load import load_settings

        return load_settings(self.home, merged_environment(self.home))

    def reader(self) -> Reader:
        """Open the store for reading; an absent one is created, so that a new home has empty lists.

        Use as a context manager. Raises StoreUnavailable.
        """
        from workbench.store.store import Reader, Store

        if not self.home.store.exists():
            Store.open(self.home.store).close()
        return Reader.open(self.home.store)

    def store(self) -> Store:
        """Open the store for short changes; use as a context manager. Raises StoreUnavailable."""
        from workbench.store.store import Store

        return Store.open(self.home.store)

    def router(self, *, start: bool = True) -> RouterAddress:
        """Return the home's router, started if none answers.

        With ``--no-start`` or ``start=False`` raises RouterUnreachable instead.
        """
        from workbench.control.process import obtain_router

        return obtain_router(self.home, start=start and not self.no_start, on_note=self.note)

    def client(self, *, start: bool = True) -> RouterClient:
        """Return a client of the router (see `router`); use as an async context manager."""
        from workbench.client import RouterClient

        address = self.router(start=start)
        return RouterClient(address.base_url, address.key)

    def note(self, text: str) -> None:
        """Say something on stderr, unless ``--quiet``."""
        if not self.quiet:
            talk(text)

    @property
    def colored(self) -> bool:
        """Whether stdout gets colour."""
        if self.color is False or os.environ.get("NO_COLOR"):
            return False
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a command's asynchronous part to its end."""
        import asyncio

        return asyncio.run(work)


pass_context = click.make_pass_decorator(Context, ensure=True)
