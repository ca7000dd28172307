"""The events of a MISP as the source of a backtest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from misp_workflow import settings
from misp_workflow.remote.client import Misp, rules_of
from misp_workflow.runner.data.profiles import Profile
from misp_workflow.settings import Settings
from misp_workflow.trial.events import Unit


class MispEvents:
    """The events that were changed within `age` ("30d"). Only reads; goes to other processes."""

    def __init__(self, rules: Settings, age: str) -> None:
        self._place = rules.misp
        self._age = age
        self.name = f"the last {age} of {rules.misp.url}"

    def units(self) -> list[Unit]:
        """Return the events, each known by its uuid and when it was changed."""
        found = self._misp().events_since(self._age)
        return [Unit(uuid, f"{uuid} {timestamp}") for uuid, timestamp in found]

    def misp(self) -> Profile:
        """Return whose rules hold: those of the MISP's own version."""
        return rules_of(self._misp().version())

    def load(self, unit: Unit) -> list[dict[str, Any]]:
        return [self._misp().event(unit.name)]

    def _misp(self) -> Misp:
        return Misp(replace(settings.current(), misp=self._place))
