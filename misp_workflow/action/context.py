"""What templates may read of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

Asked = TypeVar("Asked")


class Context(Mapping[str, Any], Generic[Asked]):
    """The names in `known`, each found out when a template reads it: most read one or two.

    Besides them what stands at the top of the data by its own name, as MISP's and upstream's templates know it.
    """

    def __init__(self, asked: Asked, known: Mapping[str, Callable[[Asked], Any]]) -> None:
        self._asked, self._known = asked, known

    def __getitem__(self, name: str) -> Any:
        read = self._known.get(name)
        return read(self._asked) if read else self._top[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._top

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._known, *self._top)))

    def __len__(self) -> int:
        return len(self._known.keys() | self._top.keys())

    @property
    def _top(self) -> Mapping[str, Any]:
        data = self._known["data"](self._asked)
        return data if isinstance(data, dict) else {}
