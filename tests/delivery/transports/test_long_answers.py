"""An answer that comes in chunks costs what is in it, however long it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from misp_workflow.delivery.transports.http import _whole

CHUNK = b"x" * 65536
CHUNKS = 200


class Chunked:
    """An answer without a length, as a packed one comes."""

    length_remaining = None
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, chunks: int) -> None:
        self._chunks = chunks

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        return (CHUNK for _ in range(self._chunks))


def cost(work: Callable[[], bytes]) -> float:
    def once() -> float:
        began = time.process_time()
        assert len(work()) == CHUNKS * len(CHUNK)
        return time.process_time() - began

    return min(once() for _ in range(3))


def test_a_long_answer_is_not_copied_at_each_chunk() -> None:
    """Copied at each of its chunks, it would cost as much as a hundred of its length: a MISP's took five seconds."""
    read = cost(lambda: _whole(Chunked(CHUNKS), 2**40))  # type: ignore[arg-type]
    assert read < 20 * cost(lambda: b"".join(CHUNK for _ in range(CHUNKS)))
