"""The SQLite file as the outbox asks it and writes to it: every trouble becomes a sentence that says what to do."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from misp_workflow.delivery.outbox.on_disk.file import File, damaged_file, refusal
from misp_workflow.delivery.outbox.on_disk.reader import Reader
from misp_workflow.delivery.outbox.on_disk.writer import Busy, Job, Store, StoreAtOnce, Writer
from misp_workflow.errors import DeliveryError

Result = TypeVar("Result")
Connection = sqlite3.Connection


class Disk:
    """The file in the folder, its one writer and its one reader. For the rest see `Writer`."""

    def __init__(
        self, folder: Path, store: Store, committed: Callable[[bool], None], store_at_once: StoreAtOnce
    ) -> None:
        self.file = File(folder)
        self.path = self.file.path
        self.writer = Writer(self.file.write, self.file.mend, store, committed, store_at_once)
        self.reader = Reader(self.file, self._corrupt)

    def put(self, thing: Any, deadline: float) -> Any:
        """Have a thing stored with what others put, and return what `store` says of it."""
        return self._writing(lambda: self.writer.put(thing, deadline))

    def run(self, job: Callable[[Connection], Result], deadline: float, *, hears: bool = False) -> Result:
        """Change something, and return what came of it; see `Writer.run`."""
        return self._writing(lambda: self.writer.run(job, deadline, hears=hears))

    def later(self, job: Job) -> None:
        """Change something for which nobody waits; at the end of the process it may be left undone."""
        with contextlib.suppress(Busy):
            self.writer.later(job)

    def _writing(self, write: Callable[[], Result]) -> Result:
        """Write, and return what came of it; DeliveryError says why it cannot be."""
        try:
            return write()
        except Busy:
            raise DeliveryError(
                f"The outbox {self.path} did not take it in time: the disk is slow, or another process holds it."
            ) from None
        except (sqlite3.Error, OSError) as error:
            raise refusal(self.path, error) from None

    def read(
        self,
        question: Callable[[Connection], Result],
        without: Result,
        damaged: Callable[[sqlite3.Error], object] = str,  # whoever asks need not hear of it
    ) -> Result:
        """Ask the file; `without` is the answer when there is none yet, and also when it is damaged."""
        try:
            return self.reader.ask(question, without, damaged)
        except (sqlite3.Error, OSError) as error:
            raise refusal(self.path, error, ("look", "read")) from None

    def look(self, question: Callable[[Connection], Result], without: Result) -> Result:
        """Ask the file for a person, who must hear when it is damaged."""
        damages: list[sqlite3.Error] = []
        found = self.read(question, without, damages.append)
        if damages:
            raise DeliveryError(damaged_file(self.path, damages[0]))
        return found

    def _corrupt(self, error: sqlite3.Error, inode: int) -> None:
        """Let the writer find out that the file is corrupt, if it still is that file: it alone puts files aside."""

        def job(db: Connection) -> None:
            if self.file.inode() == inode:
                raise error

        self.later(job)

    def close(self, seconds: float) -> None:
        """Write what there is, in so many seconds, and close the file."""
        self.writer.close(seconds)
        self.file.close()
        self.reader.close()
