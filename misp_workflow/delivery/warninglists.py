"""MISP's warninglists without a MISP: the lists that the package pymispwarninglists carries (the extra [warninglists]).

Only its data is used. Its own search keeps every list as Python objects (650 MB, ten seconds to load); here an entry is
a number in a sorted array, only the lists that are asked for are kept, they are read in a thread of their own, and
whoever cannot wait is told so.
"""

from __future__ import annotations

import re
import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson

from misp_workflow.deadline import look, may_wait, paced
from misp_workflow.delivery.guard import addresses
from misp_workflow.errors import InputError
from misp_workflow.event import matching, text

PATIENCE = 2.5
"""Seconds that a call waits for lists to be read; a gate must answer, so it then says that it cannot judge."""

TELL_EVERY = 0.1
"""Seconds between two words on how far the reading is."""

MOST_LABELS = 127
"""Of a host name, RFC 1035 section 3.1."""

LONG = 1_000
"""Characters. A longer value is work for each single pattern."""

Item = TypeVar("Item")

ADDRESSES = ("ip-dst", "ip-src")
"""The types that say whether a list is one of addresses."""


class NotReadyError(InputError):
    """The lists are still being read."""


def lists_with(attribute: Mapping[str, Any], patterns: Iterable[str] = ("*",)) -> list[str]:
    """Return the names of the lists, of those that the patterns name, that an attribute's value is on.

    Raises InputError when the lists are not installed, not read yet, or none is called so.
    """
    return _library.shelf(tuple(patterns), PATIENCE).lists_with(attribute)


def load(patterns: Iterable[str], told: Callable[[int, int], None]) -> None:
    """Wait until the lists that the patterns name are read; `told` hears now and then how many files of how many are.

    For those who can wait, such as the command line. Raises InputError as `lists_with` does.
    """
    _library.load(tuple(patterns), told)


@dataclass(frozen=True)
class Warninglist:
    """One list as its file describes it; `kind` is string, substring, hostname, cidr or regex."""

    name: str
    kind: str
    types: frozenset[str]
    file: Path

    def entries(self) -> list[str]:
        """Return what stands on it."""
        return [str(entry) for entry in orjson.loads(self.file.read_bytes())["list"]]


class Shelf:
    """Some of the lists, ready to be searched by the rules of their kinds (see the README of misp-warninglists)."""

    def __init__(self, lists: Iterable[Warninglist]) -> None:
        self._exact: list[tuple[Warninglist, array[int]]] = []
        self._loose: list[tuple[Warninglist, list[re.Pattern[str]]]] = []
        self._networks: list[tuple[Warninglist, addresses.Ranges]] = []
        for one in lists:
            self._take(one)

    def _take(self, one: Warninglist) -> None:
        if one.kind == "cidr":
            entries = (addresses.read_network(entry) for entry in one.entries())
            self._networks.append((one, addresses.Ranges(filter(None, entries))))
        elif one.kind in ("substring", "regex"):
            read = _regex if one.kind == "regex" else _substring
            self._loose.append((one, [pattern for entry in one.entries() if (pattern := read(entry))]))
        else:
            self._exact.append((one, array("q", sorted(hash(entry.lower().lstrip(".")) for entry in one.entries()))))

    def lists_with(self, attribute: Mapping[str, Any]) -> list[str]:
        """Return the names of the lists that are for the attribute and speak of its value, each once.

        An address counts as one also within a value of another type, such as a URL.
        """
        kind, networks = text(attribute.get("type")), addresses.networks(attribute)
        found = [name for value in addresses.parts(attribute) for name in self._with_value(kind, value)]
        found += [name for network in networks for name in self._with_network(kind, network)]
        return list(dict.fromkeys(found))

    def _with_value(self, kind: str, value: str) -> Iterator[str]:
        lower = value.lower()
        hosts = [hash(name) for name in _domains(_host(lower))]
        look()
        for one, numbers in self._exact:
            if kind in one.types and any(
                _holds(numbers, it) for it in (hosts if one.kind == "hostname" else [hash(lower)])
            ):
                yield one.name
        for one, patterns in self._loose:
            if kind in one.types and any(pattern.search(value) for pattern in _paced(patterns, value)):
                yield one.name

    def _with_network(self, kind: str, network: addresses.Network) -> Iterator[str]:
        number = hash(str(network[0])) if network.num_addresses == 1 else None
        for one, numbers in self._exact:
            if number is not None and {kind, *ADDRESSES} & one.types and _holds(numbers, number):
                yield one.name
        for one, ranges in self._networks:
            if {kind, *ADDRESSES} & one.types and ranges.meets(network):
                yield one.name


class _Library:
    """Every list by its description, and the shelves that were asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shelves: dict[tuple[str, ...], Shelf | InputError] = {}
        self._readers: dict[tuple[str, ...], threading.Thread] = {}
        self._progress: dict[tuple[str, ...], tuple[int, int]] = {}

    def load(self, patterns: tuple[str, ...], told: Callable[[int, int], None]) -> None:
        if patterns not in self._shelves:
            reader = self._read(patterns, _folder())
            while reader.is_alive():
                told(*self._progress.get(patterns, (0, 0)))
                reader.join(TELL_EVERY)
        self.shelf(patterns, 0)

    def shelf(self, patterns: tuple[str, ...], patience: float) -> Shelf:
        found = self._shelves.get(patterns)
        if found is None:
            may_wait()
            self._read(patterns, _folder()).join(patience)
            found = self._shelves.get(patterns)
        if found is None:
            raise NotReadyError("The warninglists are still being read; try again in a few seconds.")
        if isinstance(found, InputError):
            raise found
        return found

    def _read(self, patterns: tuple[str, ...], folder: Path) -> threading.Thread:
        with self._lock:
            reader = self._readers.get(patterns)
            if reader is None or not reader.is_alive():
                reader = threading.Thread(target=self._fill, args=(patterns, folder), name="warninglists", daemon=True)
                self._readers[patterns] = reader
                reader.start()
            return reader

    def _fill(self, patterns: tuple[str, ...], folder: Path) -> None:
        try:
            self._shelves[patterns] = self._shelf_of(patterns, sorted(folder.glob("*/list.json")))
        except (OSError, ValueError, LookupError, TypeError) as error:  # whoever waits must hear of it
            self._shelves[patterns] = InputError(f"The warninglists cannot be read: {error}.")

    def _shelf_of(self, patterns: tuple[str, ...], files: list[Path]) -> Shelf | InputError:
        def counted(items: Sequence[Item], before: int) -> Iterator[Item]:
            for place, item in enumerate(items):
                self._progress[patterns] = (before + place, before + len(items))
                yield item

        everything = [_described(file) for file in counted(files, 0)]
        meant = {pattern: matching([one.name for one in everything], pattern) for pattern in patterns}
        if nobody := [pattern for pattern, names in meant.items() if not names]:  # it would never hold anything
            return InputError(f"No warninglist is called {' or '.join(nobody)}.")
        names = {name for found in meant.values() for name in found}
        chosen = [one for one in everything if one.name in names]
        return Shelf(counted(chosen, len(files)))


_library = _Library()


def _folder() -> Path:
    spec = find_spec("pymispwarninglists")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("The warninglists are not installed: pip install 'misp-workflow-actions[warninglists]'.")
    return Path(next(iter(spec.submodule_search_locations))) / "data" / "misp-warninglists" / "lists"


def _described(file: Path) -> Warninglist:
    told = orjson.loads(file.read_bytes())
    return Warninglist(told["name"], told["type"], frozenset(told.get("matching_attributes") or ()), file)


def _holds(numbers: array[int], number: int) -> bool:
    place = bisect_left(numbers, number)
    return place < len(numbers) and numbers[place] == number


def _host(value: str) -> str:
    try:
        host = urlsplit(value if "://" in value else f"//{value}").hostname
    except ValueError:
        host = None
    return (host or value).rstrip(".")


def _domains(host: str) -> Iterator[str]:
    """Yield a host name and the domains above it; of a longer name than there can be, those that there can be."""
    labels = host[-addresses.LONGEST_HOST - 1 :].split(".")
    whole = labels if len(host) <= addresses.LONGEST_HOST else labels[1:]
    most = whole[-MOST_LABELS:]
    yield from (".".join(most[start:]) for start in range(len(most)))


def _paced(patterns: list[re.Pattern[str]], value: str) -> Iterable[re.Pattern[str]]:
    return paced(patterns, 8) if len(value) > LONG else patterns


def _substring(entry: str) -> re.Pattern[str]:
    return re.compile(re.escape(entry), re.IGNORECASE)


def _regex(entry: str) -> re.Pattern[str] | None:
    """Return the pattern of an entry in PCRE's clothes (/…/i); None for one that Python does not read."""
    body, flags = entry, 0
    if entry.startswith("/") and entry.rpartition("/")[0]:
        body, _, letters = entry[1:].rpartition("/")
        flags = re.IGNORECASE if "i" in letters else 0
    try:
        return re.compile(body, flags)
    except re.error:
        return None
