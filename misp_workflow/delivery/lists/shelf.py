"""One list: what comes in is read and judged, the book is kept, and its file is published, whole or not at all.

The book is written first, then the file, beside the old one and moved over it. Whoever is killed between the two
leaves the old file; the effect is not done then, and its next try publishes what the book says.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from misp_workflow.delivery.lists.book import Book, Change, Counted, Page
from misp_workflow.delivery.lists.formats import FORMATS, Row, Written, file_name, text
from misp_workflow.delivery.lists.limits import refusal
from misp_workflow.delivery.lists.values import TYPES, Entry, UnfitError, read
from misp_workflow.delivery.warninglists import NotReadyError, lists_with
from misp_workflow.effects import FileUpdate
from misp_workflow.errors import DeliveryError, SettingsError
from misp_workflow.event import matching
from misp_workflow.settings import Settings
from misp_workflow.settings.lists import ListRules, Lists


@dataclass
class Told(Counted):
    """What came of an update. `left` are the values that stay out, each with the reason; `stands` how many stand."""

    left: dict[str, str] = field(default_factory=dict)
    stands: int = 0


@dataclass(frozen=True)
class Found:
    """What a look at the published file came to: lines that are `missing` there, and that are `beside` what should be.

    `gone`: there is no file although there should be one.
    """

    missing: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    gone: bool = False

    @property
    def clean(self) -> bool:
        """Whether the file says what the list says."""
        return not (self.missing or self.beside or self.gone)


def shelf_of(settings: Settings, name: str, patience: float = 5.0) -> Shelf:
    """Return the list of the destination `name`; SettingsError when the settings keep none under it."""
    rules = settings.destination(name).list
    if rules is None:
        raise SettingsError(
            f"The destination “{name}” is no list: the settings need a table [destinations.{name}.list] with a format."
        )
    for pattern in rules.types:
        if not matching(TYPES, pattern):
            raise SettingsError(f"destinations.{name}.list.types has “{pattern}”, which no list can hold.")
    if settings.lists.folder is None:
        raise SettingsError("No list can be kept: the settings name no folder for them (lists.folder).")
    return Shelf(name, rules, settings.lists, settings.lists.folder, settings.state_folder / "lists", patience)


def shelves(settings: Settings) -> Iterator[Shelf]:
    """Return every list that the settings keep."""
    for name, destination in settings.destinations.items():
        if destination.list is not None:
            yield shelf_of(settings, name)


class Shelf:
    """One list and its file."""

    def __init__(self, name: str, rules: ListRules, house: Lists, folder: Path, state: Path, patience: float) -> None:
        self.name, self.rules = name, rules
        self.path = folder / file_name(name, rules)
        self._house = house
        self._book = Book(state / f"{name}.sqlite3", patience)

    def take(self, update: FileUpdate) -> Told:
        """Make the update and publish the list.

        Raises DeliveryError when the warninglists are not ready, OSError and sqlite3.Error.
        """
        told = Told()
        put = {str(item.get("uuid")): self._entries(item, told) for item in update.put}
        until = update.at + self.rules.keep if self.rules.keep else 0.0
        if until and until <= time.time():  # it came so late that it is over
            put = {key: [] for key in put}
        change = Change(event=update.event, at=update.at, put=put, gone=update.gone, whole=update.whole, until=until)
        with self._book.writing() as page:
            page.expire(time.time())
            counted = page.apply(change, self.rules.most, self.rules.when_full == "oldest")
            vars(told).update(vars(counted))
            told.stands = page.count()
        self.publish()
        return told

    def _entries(self, item: Mapping[str, Any], told: Told) -> list[Entry]:
        """Return what may stand in the list of an attribute's value."""
        kind, value = str(item.get("type")), str(item.get("value"))
        if self.rules.types and not any(matching([kind], pattern) for pattern in self.rules.types):
            return []
        try:
            found = read(kind, value)
        except UnfitError as trouble:
            told.left[value] = f"{trouble}"
            return []
        wanted = [entry for entry in found if entry.kind in FORMATS[self.rules.format].kinds(self.rules)]
        allowed = []
        for entry in wanted:
            why = refusal(entry, self.rules, self._house) or self._unfit(entry) or self._warned(entry)
            if why:
                told.left[entry.value] = why
            else:
                allowed.append(entry)
        if not found or not wanted:
            told.left.setdefault(value, f"is of a type that this list does not hold ({kind})")
        return allowed

    def _unfit(self, entry: Entry) -> str:
        return FORMATS[self.rules.format].unfit(entry, self.rules)

    def _warned(self, entry: Entry) -> str:
        if not self.rules.warninglists or find_spec("pymispwarninglists") is None:
            return ""
        attribute = {"type": _TYPE.get(entry.kind, entry.kind), "value": entry.value}
        try:
            found = lists_with(attribute, self.rules.warninglists)
        except NotReadyError:
            raise DeliveryError("the warninglists are still being read") from None
        return f"is on the warninglist “{found[0]}”" if found else ""

    # --- the file -----------------------------------------------------------------------------------------------------

    def publish(self, anew: bool = False) -> None:
        """Write the file when it is not what the book says; `anew`: in any case. OSError when it cannot be written."""
        with self._book.writing() as page:
            generation = page.state("generation")
            if not anew and page.state("published") == generation and (page.count() == 0 or self.path.exists()):
                return
            page.note("serial", max(page.state("serial") + 1, int(time.time())))
            self._write(self._content(page))
            page.note("published", generation)

    def rebuild(self) -> int:
        """End what has lived its life, and write the file anew; return how many entries stand in it."""
        with self._book.writing() as page:
            page.expire(time.time())
        self.publish(anew=True)
        with self._book.reading() as page:
            return page.count()

    def _content(self, page: Page) -> bytes | None:
        return text(Written(page.rows(), self.name, self.rules, page.state("serial")))

    def _write(self, content: bytes | None) -> None:
        """Put the content where the file is. Nobody else writes meanwhile, so older leavings are nobody's."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for left in self.path.parent.glob(f".{self.path.name}.*.new"):
            left.unlink(missing_ok=True)
        if content is None:
            self.path.unlink(missing_ok=True)
            return
        number, beside = tempfile.mkstemp(prefix=f".{self.path.name}.", suffix=".new", dir=self.path.parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            Path(beside).replace(self.path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
        _sync(self.path.parent)

    # --- for people ---------------------------------------------------------------------------------------------------

    def rows(self) -> list[Row]:
        """Return what stands in the list."""
        with self._book.reading() as page:
            return page.rows()

    def check(self) -> Found:
        """Read the published file back, and return how it differs from what the list says."""
        with self._book.reading() as page:
            wanted = self._content(page)
        try:
            published: bytes | None = self.path.read_bytes()
        except FileNotFoundError:
            published = None
        if published is None or wanted is None:
            return Found(gone=published is None and wanted is not None, beside=_lines(published))
        if published == wanted:
            return Found()
        ours, theirs = _lines(wanted), _lines(published)
        missing, beside = _without(ours, theirs), _without(theirs, ours)
        return Found(missing=missing, beside=beside or ("the order of the lines, or their ends",) * (not missing))


_TYPE = {"ip": "ip-dst", "email": "email-src", "certificate": "x509-fingerprint-sha1", "ja3": "ja3-fingerprint-md5"}
"""A MISP type for each kind of entry that is called otherwise: warninglists are for types."""


def _lines(content: bytes | None) -> tuple[str, ...]:
    return tuple((content or b"").decode("utf-8", "replace").split("\n"))[:-1]


def _without(lines: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    known = set(others)
    return tuple(line for line in lines if line not in known)


def _sync(folder: Path) -> None:
    """Have the folder's own change on the disk, where the system knows such a thing."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
