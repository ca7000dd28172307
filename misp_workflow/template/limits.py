"""What one rendering may use: steps, characters, depth and time.

Every loop round, macro call, filter and operator of a template reports here before it works, so that a template can be
stopped at any point and nothing large is made first and measured later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import Any

from misp_workflow import deadline
from misp_workflow.errors import TemplateError

MAX_STEPS = 3_000_000  # about one per expression evaluated; 10,000 attributes with thirty expressions each take 300,000
MAX_CHARACTERS = 48_000_000  # made in all, the finished text and everything on the way to it
MAX_DEPTH = 40  # macros that call macros, loops that call themselves
MAX_NESTING = 100  # lists in lists; MISP itself stops at 512, real events have six
MAX_BITS = 1_024  # of a whole number: more than any identifier, less than any harm
WRITTEN_PER_STEP = 32  # bits of a long number
MAX_SHOWN_BITS = 14_000  # Python itself stops at 4,300 digits
MAX_CPU = 1.0  # seconds of this thread's own work, so that a busy machine does not fail an innocent template
MAX_TIME = 3.0  # seconds on the clock: below what MISP waits, whatever the machine does

LOOK_EVERY = 2_000  # steps between two looks at the clock
LOOK_CALLS = 32  # reports between two looks at the clock, for steps that turn out slow
REPORTED = 10_000  # values that a walk goes through before it reports them
CHARACTERS_PER_STEP = 64  # that C code reads, compares or copies while Python takes one step
SLOW = 0.005  # seconds between two looks that make every report look


class Run:
    """The account of one rendering; `with` it, it is the current one of this thread."""

    __slots__ = (
        "_calls",
        "_cpu_end",
        "_end",
        "_every",
        "_looked",
        "_next",
        "_token",
        "characters",
        "depth",
        "names",
        "steps",
        "style",
    )

    def __init__(self, style: Any) -> None:
        self.style = style
        self.names: Callable[[], Iterable[str]] = tuple  # that exist in this rendering
        self.steps = MAX_STEPS
        self.characters = MAX_CHARACTERS
        self.depth = 0
        self._looked = time.monotonic()
        self._end = self._looked + MAX_TIME
        self._cpu_end = 0.0  # known from the first look on: most renderings end before it
        self._next = MAX_STEPS - LOOK_EVERY
        self._calls = self._every = LOOK_CALLS

    def __enter__(self) -> Run:
        self._token = CURRENT.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        CURRENT.reset(self._token)

    def spend(self, steps: int = 1) -> None:
        """Report `steps` pieces of work that are about to be done."""
        self.steps -= steps
        self._calls -= 1
        if self._calls <= 0 or self.steps < self._next:
            self._look()

    def read(self, characters: int) -> None:
        """Report that so many characters are about to be read, compared or copied."""
        self.spend(1 + characters // CHARACTERS_PER_STEP)

    def grow(self, characters: int) -> None:
        """Report text of so many characters that is about to be made."""
        self.characters -= characters
        if self.characters < 0:
            raise TemplateError(f"the template makes more than {MAX_CHARACTERS:,} characters of text")

    def _look(self) -> None:
        if self.steps < 0:
            raise TemplateError(f"the template takes more than {MAX_STEPS:,} steps; make its loops smaller")
        now = time.monotonic()
        deadline.look()
        cpu = time.thread_time()
        self._cpu_end = self._cpu_end or cpu + MAX_CPU
        if now > self._end or cpu > self._cpu_end:
            raise TemplateError("the template takes too long; make its loops smaller")
        if now - self._looked > SLOW:
            self._every = 1
        self._looked = now
        self._calls = self._every
        self._next = self.steps - LOOK_EVERY

    def measure(self, value: Any) -> tuple[int, int, int]:
        """Report a walk through everything in `value`, and return how many (values, characters, levels) it holds.

        A list that holds the same list twice counts it twice: so large it becomes when written out.
        """
        values, reported, characters, levels = 1, 0, 0, 0
        level: list[Any] = [(value,)]
        while level:
            levels += 1
            if levels > MAX_NESTING:
                raise TemplateError("a value holds itself or is nested too deeply")
            inner: list[Any] = []
            for container in level:
                held = container
                if isinstance(container, dict):
                    characters += _length_of_keys(container)
                    held = container.values()
                values += len(held)
                if values - reported > REPORTED:
                    self.spend(values - reported)
                    reported = values
                characters += _look_through(held, inner)
            if characters > self.characters:
                self.grow(characters)
            level = inner
        self.spend(values - reported + characters // CHARACTERS_PER_STEP)
        return values, characters, levels - 1


def paying(functions: Mapping[str, Callable[..., Any]], free: Container[str] = ()) -> dict[str, Callable[..., Any]]:
    """Return the functions, each but the `free` ones with a report before it: that it goes once through every text
    that it is given.

    What takes longer than that, or goes through lists, reports it by itself.
    """
    return {name: function if name in free else _paying(function) for name, function in functions.items()}


def _paying(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def work(*args: Any, **named: Any) -> Any:
        given = (*args, *named.values()) if named else args
        CURRENT.get().read(sum([len(value) for value in given if isinstance(value, str)]))
        return function(*args, **named)

    return work


def _length_of_keys(container: dict[Any, Any]) -> int:
    try:
        return len("".join(container))
    except TypeError:  # not all of them are texts
        return sum(len(str(key)) for key in container if isinstance(key, (str, int, float)))


def _look_through(held: Iterable[Any], inner: list[Any]) -> int:
    """Return how many characters the values need by themselves; add the containers among them to `inner`."""
    characters = 0
    for item in held:
        characters += 4  # the brackets, commas and quotes
        if type(item) is str or isinstance(item, str):  # the first is what it nearly always is, and quick to tell
            characters += len(item)
        elif isinstance(item, (dict, list, tuple)):
            inner.append(item)
        elif isinstance(item, int):
            characters += showable(item).bit_length() // 3
    return characters


def small(number: int) -> int:
    """Return the whole number, unless it is so large that reckoning with it would hurt."""
    if number.bit_length() > MAX_BITS:
        raise TemplateError("a number of more than 300 digits is not reckoned with")
    return number


def showable(number: int) -> int:
    """Return the whole number, unless it has more digits than Python writes."""
    if number.bit_length() > MAX_SHOWN_BITS:
        raise TemplateError("a number is too long to be shown")
    if number.bit_length() > MAX_BITS:
        current().spend(number.bit_length() // WRITTEN_PER_STEP)
    return number


CURRENT: ContextVar[Run] = ContextVar("misp_workflow_template_run")


def current() -> Run:
    """Return the account of the rendering that goes on in this thread."""
    return CURRENT.get()
