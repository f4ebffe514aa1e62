"""The one way a screen gets anything that takes time: a thread does it, a message brings it back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from textual.message_pump import MessagePump
from textual.worker import Worker, get_current_worker

from workbench.tui.messages import Answered, Failed, Trouble

T = TypeVar("T")
_FRAME_S = 1.0
"""Longest wait for the first frame; some terminals show none."""
log = logging.getLogger("workbench.tui")


class Asking(MessagePump):
    """Mixin for screens and widgets that need I/O.

    `ask` runs `job` in a thread, once the app's first frame is on the screen. A newer ask of the same group
    makes an older one's answer unwanted. `then` and `otherwise` run on the event loop, in the asker's own
    message queue, and never after it is gone.
    """

    def ask(
        self,
        job: Callable[[], T],
        then: Callable[[T], None],
        *,
        group: str,
        otherwise: Callable[[Trouble], None] | None = None,
        exclusive: bool = True,
    ) -> Worker[None]:
        """Run `job` in a thread and give its result to `then`."""
        asked = [(job, then, otherwise)]
        app: Any = self.app

        def work() -> None:
            app.painted.wait(_FRAME_S)
            # Textual keeps a worker for as long as anything that it started: it must not keep bodies as well.
            job, then, otherwise = asked.pop()
            worker = get_current_worker()
            try:
                result = job()
            except Exception as error:
                log.debug("%s failed", group, exc_info=True)
                if not worker.is_cancelled:
                    self.post_message(Failed(Trouble.of(error), otherwise))
                return
            if not worker.is_cancelled:
                self.post_message(Answered(then, result))

        run: Any = getattr(self, "run_worker")  # noqa: B009 - a DOM node's, which this mixin is not
        worker: Worker[None] = run(
            work, thread=True, group=group, exclusive=exclusive, exit_on_error=False, name=group
        )
        return worker

    def on_answered(self, message: Answered) -> None:
        """Hand a result over."""
        message.stop()
        # The queue keeps its last message until the next one comes: it must not keep a body meanwhile.
        result, message.result = message.result, None
        message.then(result)

    def on_failed(self, message: Failed) -> None:
        """Show why, where the asker said so."""
        message.stop()
        if message.otherwise is not None:
            message.otherwise(message.trouble)
        else:
            self.trouble(message.trouble)

    def trouble(self, trouble: Trouble) -> None:
        """Show a failure; screens override this with a place of their own."""
        notify: Any = getattr(self, "notify", None)
        if notify is not None:
            notify(
                trouble.text + (f"\n{trouble.hint}" if trouble.hint else ""), severity="error", markup=False
            )
