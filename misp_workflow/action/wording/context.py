"""What templates may read of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from misp_workflow.action.wording import rendering
from misp_workflow.event import rows

_NAMES: dict[str, Callable[[Any], Any]] = {
    "data": lambda call: call.data,
    "kind": lambda call: call.view.kind,
    "event": lambda call: call.view.event,
    "attributes": lambda call: call.view.attributes,
    "selected": lambda call: rows(call.selected or []),
    "objects": lambda call: call.view.objects,
    "tags": lambda call: call.view.tags,
    "user": lambda call: call.data if call.view.kind == "user" else {},
    "log": lambda call: call.data.get("Log", {}),
    "post": lambda call: call.data.get("Post", {}),
    "thread": lambda call: call.data.get("Thread", {}),
    "proposal": lambda call: next(iter(rows(call.view.event.get("ShadowAttribute"))), {}),
    "report": lambda call: next(iter(rows(call.view.event.get("EventReport"))), {}),
    "Event": lambda call: call.data.get("Event", call.view.event) if isinstance(call.data, dict) else call.view.event,
    "Attribute": lambda call: call.view.attributes,
    "Object": lambda call: call.view.objects,
    "_env": lambda call: {"baseurl": rendering.live(call.settings.misp.url)},
    "summary": lambda call: call.summary,
    "link_to_event": lambda call: rendering.live(call.link),
    "withheld": lambda call: call.withheld,
    "update": lambda call: call.update,
    "correlations": lambda call: [one.as_json() for one in call.correlations],
}

NAMES = frozenset(_NAMES)
"""Every name that a template of an action may read."""


class Context(Mapping[str, Any]):
    """Those names of a call (`action.Call`), each found out when a template reads it: most read one or two.

    Besides them what stands at the top of the data by its own name, as MISP's and upstream's templates know it.
    """

    def __init__(self, call: Any) -> None:
        self._call = call

    def __getitem__(self, name: str) -> Any:
        read = _NAMES.get(name)
        return read(self._call) if read else self._top[name]

    def __contains__(self, name: object) -> bool:
        return name in _NAMES or name in self._top

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*_NAMES, *self._top)))

    def __len__(self) -> int:
        return len(_NAMES.keys() | self._top.keys())

    @property
    def _top(self) -> Mapping[str, Any]:
        data = self._call.data
        return data if isinstance(data, dict) else {}
