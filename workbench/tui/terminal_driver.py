"""Textual's driver for terminals, quicker to know the escape key.

A lone ESC may be the key or the beginning of a sequence; only time tells. Textual looks at its clock ten
times a second, so the key would take a tenth of a second whatever ``ESCDELAY`` says.
"""

from __future__ import annotations

import codecs
import os
import selectors
from collections.abc import Iterable

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

_LOOK_S = 0.1


class TerminalDriver(LinuxDriver):
    """Reads keys and mouse; looks again just when a lone escape is due."""

    def run_input_thread(self) -> None:
        """Pass on what is typed until the app ends or the terminal is gone."""
        parser = XTermParser(self._debug)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.fileno, selectors.EVENT_READ)
            pause = _LOOK_S
            while not self.exit_event.is_set():
                if waiting.select(pause):
                    data = self._read()
                    if not data:
                        return
                    if text := decoder.decode(data):  # half a character is not the end of input
                        self._pass_on(parser.feed(text))
                    pause = constants.ESCAPE_DELAY + 0.001
                else:
                    pause = _LOOK_S
                self._pass_on(parser.tick())

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, 4096)
        except OSError:  # the terminal is gone; the system ends the app
            return b""

    def _pass_on(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.process_message(message)
