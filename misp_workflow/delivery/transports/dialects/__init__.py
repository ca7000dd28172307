"""How services take many records in one request: one file each, with two functions

    content(bulk) -> (body, content type)
    judge(bulk, reply) -> Answer

`judge` sees a reply of the statuses JUDGED (200 and 400 where a file names none), and says of each record what came of
it. Where more than one request is made there is also

    exchange(bulk, post, ask) -> the reply that is to be judged, or the answer itself

`ask(post)` makes a request within the same time, up to `ask.deadline`, and raises what ends the try. Where the answer
is always `exchange`'s own there is no `judge`.
"""

from __future__ import annotations

from dataclasses import dataclass

from misp_workflow.delivery.reply import Reply
from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.network.tries import Try
from misp_workflow.effects import Post

MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer: it has some hundred for each record."""


@dataclass(frozen=True)
class Ask:
    """What makes the requests of one try."""

    this: Try

    @property
    def deadline(self) -> float:
        """When the try is over, a time of `time.monotonic()`."""
        return self.this.deadline

    def __call__(self, post: Post) -> Reply:
        """Return the answer as it came; raises ValueError or one of `http.TROUBLES`."""
        return http.ask(post, self.this, MAX_ANSWER)
