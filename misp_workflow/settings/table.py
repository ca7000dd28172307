"""Read a TOML table strictly: each key is taken once by name and kind, and what is left over is an error."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from misp_workflow import web_address
from misp_workflow.errors import SettingsError, did_you_mean
from misp_workflow.settings import gathering
from misp_workflow.settings.amounts import BYTES, SECONDS, amount
from misp_workflow.settings.gathering import Gathering

KEY_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")


EXPRESSION = (
    "is a regular expression; here * stands for anything, ? for one letter, and .?* for a dot with something behind it"
)
"""What is wrong with such a pattern."""


class Table:
    """One table of the file. `path` is where it stands ("destinations", "soc-chat"), `text` the whole file."""

    def __init__(self, values: Mapping[str, Any], path: tuple[str, ...], file: str, text: str) -> None:
        self._left = dict(values)
        self._asked: list[str] = []
        self._path = path
        self._file = file
        self._text = text

    def error(self, key: str, sentence: str) -> SettingsError:
        """Return the error about one key, with the file and, where it can be found, the line."""
        path = (*self._path, key) if key else self._path
        line = line_of(self._text, path)
        where = f"{self._file}, line {line}" if line else self._file
        return SettingsError(f"{where}: {'.'.join(path)} {sentence}.")

    def take(self, key: str) -> Any:
        """Return the raw value and count the key as known; None when it is not there."""
        self._asked.append(key)
        return self._left.pop(key, None)

    def text(self, key: str, default: str = "") -> str:
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.error(key, "must be text in quotation marks")
        return value

    def web_address(self, key: str, default: str = "") -> str:
        """Return an address that begins with https:// or http://."""
        url = self.text(key, default)
        if url and (problem := web_address.trouble(url, ("https", "http"))):
            raise self.error(key, problem)
        return url

    def flag(self, key: str, default: bool) -> bool:
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(key, "must be true or false")
        return value

    def strings(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, 'must be a list of texts, such as ["a", "b"]')
        return tuple(value)

    def checked(self, key: str, good: Callable[[str], object], trouble: str) -> tuple[str, ...]:
        """Return a list of texts that are all good; the error names the first that is not, and `trouble`."""
        given = self.strings(key)
        for one in given:
            if not good(one):
                raise self.error(key, f"has “{one[:80]}”, which {trouble}")
        return given

    def number(self, key: str, least: float, most: float = math.inf) -> float | None:
        """Return a number within the bounds, None when it is not there."""
        value = self.take(key)
        return None if value is None else self._within(key, value, least, most)

    def seconds(self, key: str, least: float = 0, most: float = math.inf) -> float | None:
        """Return a duration: a number of seconds, or text such as "10 min", "3 days"."""
        value = self.take(key)
        return None if value is None else self._within(key, self._amount(key, value, SECONDS), least, most)

    def gathering(self, key: str) -> Gathering | None:
        """Return when what is gathered goes: a duration, or times of the day; None when it is not there."""
        value = self.take(key)
        if value is None:
            return None
        if not isinstance(value, str):
            return Gathering(seconds=self._within(key, value, 0, gathering.LONGEST))
        try:
            return gathering.read(value)
        except ValueError:
            raise self.error(key, f"must be {gathering.WHAT}") from None

    def size(self, key: str, least: int) -> int | None:
        """Return a number of bytes: a number, or text such as "256 MiB"."""
        value = self.take(key)
        return None if value is None else int(self._within(key, self._amount(key, value, BYTES), least, math.inf))

    def choice(self, key: str, choices: Iterable[str], default: str) -> str:
        """Return one of the choices, which are in small letters; the file may write them in any case."""
        value = self.take(key)
        if value is None:
            return default
        known = tuple(choices)
        written = str(value) if type(value) is int else value
        written = " ".join(written.casefold().split()) if isinstance(written, str) else written
        if written not in known:
            raise self.error(key, f"must be one of {', '.join(known)}")
        return str(written)

    def table(self, key: str) -> Table:
        """Return the table below, an empty one when it is not there."""
        value = self.take(key)
        if value is not None and not isinstance(value, dict):
            raise self.error(key, "must be a table")
        return Table(value or {}, (*self._path, key), self._file, self._text)

    def must(self, key: str, value: object) -> None:
        """Raise SettingsError when a key that must be there has no value."""
        if not value:
            raise self.error(key, "must be there")

    def tables(self, key: str) -> list[Table]:
        """Return the tables of [[key]], none when it is not there."""
        value = self.take(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(key, f"must be tables, each below a line [[{key}]]")
        return [Table(item, (*self._path, key), self._file, self._text) for item in value]

    def names(self) -> list[str]:
        """Return the keys that nobody took yet, for tables whose keys are names."""
        return list(self._left)

    def names_of_tables(self) -> list[str]:
        """Return those of them below which there is a table."""
        return [name for name in self.names() if isinstance(self._left[name], dict)]

    def done(self, elsewhere: str = "") -> None:
        """Raise SettingsError for the first key that nobody asked for; `elsewhere` says what may belong where."""
        for key in self._left:
            hint = did_you_mean(key, self._asked) or (f"; {elsewhere}" if elsewhere else "")
            raise self.error(key, f"is not a known setting{hint}")

    def _amount(self, key: str, value: Any, units: Mapping[str, int]) -> Any:
        if not isinstance(value, str):
            return value
        if (found := amount(value, units)) is None:
            raise self.error(key, f"must be a number, or a number with a unit ({', '.join(units)})")
        return found

    def _within(self, key: str, value: Any, least: float, most: float) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise self.error(key, "must be a number")
        if not least <= value <= most:
            bounds = f"at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
            raise self.error(key, f"must be {bounds}")
        return float(value)


def is_network(text: str) -> bool:
    """Whether a text is an address or a network."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def line_of(text: str, path: tuple[str, ...]) -> int:
    """Return the number of the line that sets `path`, or its nearest table; 0 when neither is found."""
    best_length, best_line = 0, 0
    header: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            header = found = _key_path(stripped.lstrip("["))
        else:
            found = (*header, *_key_path(stripped))
        common = min(len(found), len(path))
        if common > best_length and path[:common] == found[:common]:
            best_length, best_line = common, number
    return best_line


def _key_path(text: str) -> tuple[str, ...]:
    """Return the dotted key that the text begins with, as its parts."""
    parts: list[str] = []
    position = 0
    while found := KEY_PART.match(text, position):
        parts.append(next(part for part in found.groups() if part is not None))
        position = found.end()
        if text[position : position + 1] != ".":
            break
        position += 1
    return tuple(parts)
