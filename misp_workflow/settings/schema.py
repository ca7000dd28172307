"""A JSON Schema of the settings file, for editors: made by the reader itself, so that it knows what the reader knows.

The reader is run once on a table that holds nothing, notes what it is asked for, and answers with the defaults.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from misp_workflow.errors import SettingsError
from misp_workflow.settings.amounts import AMOUNT, BYTES, SECONDS
from misp_workflow.settings.gathering import LONGEST
from misp_workflow.settings.reader import settings_of
from misp_workflow.settings.table import Table

Schema = dict[str, Any]

ANY_NAME = "any-name"
"""Stands for every key of a table whose keys are names."""


def schema() -> Schema:
    """Return the schema, draft 2020-12."""
    top = _Asked()
    settings_of(top, Path("/settings.toml"), Path("/state"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "misp-workflow", **top.schema}


class _Asked(Table):
    """A table that is empty and notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__({}, (), "", "")
        self.schema: Schema = {"type": "object", "additionalProperties": False, "properties": {}}

    def error(self, key: str, sentence: str) -> SettingsError:
        return SettingsError(f"{key} {sentence}")

    def take(self, key: str) -> Any:
        self._note(key, {"type": ["string", "number", "boolean"]})
        return ""

    def text(self, key: str, default: str = "") -> str:
        self._note(key, {"type": "string"}, default)
        return default

    def flag(self, key: str, default: bool) -> bool:
        self._note(key, {"type": "boolean"}, default)
        return default

    def strings(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        self._note(key, {"type": "array", "items": {"type": "string"}}, list(default))
        return default

    def number(self, key: str, least: float, most: float = math.inf) -> None:
        self._note(key, _number(least, most))

    def seconds(self, key: str, least: float = 0, most: float = math.inf) -> None:
        self._note(key, {"anyOf": [_number(least, most), _amount(SECONDS)]})

    def gathering(self, key: str) -> None:
        times = {"type": "string", "pattern": ":", "description": "times of the day, such as 08:00 Mon-Fri, Sat 10:00"}
        self._note(key, {"anyOf": [_number(0, LONGEST), _amount(SECONDS), times]})

    def size(self, key: str, least: int) -> None:
        self._note(key, {"anyOf": [_number(least, math.inf), _amount(BYTES)]})

    def choice(self, key: str, choices: Iterable[str], default: str) -> str:
        known = list(dict.fromkeys(choices))
        numbers = [int(word) for word in known if word.isdecimal()]
        written = [word for word in known if not word.isdecimal()]
        self._note(key, {"enum": [*written, *numbers]})
        return default or known[0]

    def table(self, key: str) -> Table:
        below = _Asked()
        self._note(key, below.schema)
        return below

    def must(self, key: str, value: object) -> None:
        self.schema.setdefault("required", []).append(key)

    def tables(self, key: str) -> list[Table]:
        below = _Asked()
        self._note(key, {"type": "array", "items": below.schema})
        return [below]

    def names(self) -> list[str]:
        return [ANY_NAME]

    def names_of_tables(self) -> list[str]:
        return self.names()

    def done(self, elsewhere: str = "") -> None:
        """Nothing can be left over in an empty table."""

    def _note(self, key: str, found: Schema, default: Any = None) -> None:
        if default:
            found = {**found, "default": default}
        if key == ANY_NAME:
            self.schema["additionalProperties"] = found
        else:
            self.schema["properties"][key] = found


def _number(least: float, most: float) -> Schema:
    found: Schema = {"type": "number", "minimum": least}
    return found if most == math.inf else {**found, "maximum": most}


def _amount(units: Iterable[str]) -> Schema:
    return {"type": "string", "pattern": f"^{AMOUNT.pattern}$", "description": f"with a unit: {', '.join(units)}"}
