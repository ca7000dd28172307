"""The data that travels through a workflow, and the filters in force on it. Mirrors WorkflowRoamingData.

Data is a value here, as an array is in PHP: nothing changes a container in place, a change makes new containers on the
way to it and shares the rest. So a snapshot costs nothing, and what a step saw can be kept by reference.
"""

from __future__ import annotations

from typing import Any

from misp_workflow import hashpath, php
from misp_workflow.runner.data import conditions
from misp_workflow.runner.data.profiles import Profile

FILTERS = "enabledFilters"
SNAPSHOT = "_unfilteredData"
_EVERY_ITEM = ".{n}"


class RoamingData:
    """The data as it stands (`raw`), and as modules see it (`get`): with the filters applied."""

    def __init__(self, data: Any, misp: Profile, *, workflow_id: Any = None) -> None:
        self.workflow_id = workflow_id
        self.misp = misp
        self._raw: Any = None
        self._effective: Any = None
        self.set(data)

    @property
    def raw(self) -> Any:
        return self._raw

    def set(self, data: Any) -> None:
        """Replace the data. Raises PhpCrash when it is no array."""
        php.require_array(data, "WorkflowRoamingData::setData(): Argument #1 ($data)")
        if data is not self._raw:
            self._raw, self._effective = data, None

    def get(self) -> Any:
        """The data with all filters applied. Computed once for as long as the data stays the same."""
        if self._effective is None:
            self._effective = apply_filters(self._raw, self.misp)
        return self._effective

    @property
    def filters(self) -> dict[str, Any]:
        """The filters in force, by label."""
        return filters_of(self._raw)


def filters_of(data: Any) -> dict[str, Any]:
    found = php.item(data, FILTERS)
    return dict(php.pairs(found)) if php.is_array(found) else {}


def apply_filters(data: Any, misp: Profile) -> Any:
    """Keep, under each filter's selector, only what matches; the filters work one after the other.

    The selector's last `{n}` is taken off, what is found there is filtered and written back there. So a list keeps its
    positions, and a selector that does not end in `{n}` gets what was kept in odd places: that is what MISP does.
    """
    for condition in filters_of(data).values():
        selector = _container(php.item(condition, "selector"))
        kept = conditions.matching(
            conditions.extract_data(data, selector),
            php.item(condition, "value"),
            php.item(condition, "operator"),
            php.item(condition, "path"),
            misp,
        )
        data = hashpath.insert(data, selector, kept)
    return data


def _container(selector: Any) -> Any:
    if isinstance(selector, str) and selector.endswith(_EVERY_ITEM):
        return selector[: -len(_EVERY_ITEM)]
    return selector
