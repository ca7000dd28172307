"""What is found out once, when somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Found = TypeVar("Found")


class lazy(Generic[Found]):  # noqa: N801 - reads as the decorator that it is
    """A property that is computed once for each object: functools.cached_property without its lock.

    Before Python 3.12 that lock is one for all objects of the class, so that a server's threads would wait for each
    other. Here two threads that ask the same object at once may compute twice.
    """

    def __init__(self, compute: Callable[[Any], Found]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, of: None, owner: type) -> lazy[Found]: ...

    @overload
    def __get__(self, of: object, owner: type) -> Found: ...

    def __get__(self, of: object | None, owner: type) -> lazy[Found] | Found:
        if of is None:
            return self
        found = of.__dict__[self._name] = self._compute(of)  # from now on found there, without coming here
        return found
