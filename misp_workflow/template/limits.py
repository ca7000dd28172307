"""What one rendering may use: steps, characters, depth and time.

Every loop round, macro call, filter and operator of a template reports here before it works, so that a template can be
stopped at any point and nothing large is made first and measured later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from misp_workflow.errors import TemplateError

MAX_STEPS = 3_000_000  # about one per expression evaluated; 10,000 attributes with thirty expressions each take 300,000
MAX_CHARACTERS = 32_000_000  # made in all, the finished text and everything on the way to it
MAX_DEPTH = 40  # macros that call macros, loops that call themselves
MAX_NESTING = 100  # lists in lists; MISP itself stops at 512, real events have six
MAX_BITS = 1_024  # of a whole number: more than any identifier, less than any harm
MAX_SHOWN_BITS = 14_000  # Python itself stops at 4,300 digits
MAX_CPU = 0.8  # seconds of this thread's own work, so that a busy machine does not fail an innocent template
MAX_TIME = 3.0  # seconds on the clock: below what MISP waits, whatever the machine does

LOOK_EVERY = 2_000  # steps between two looks at the clock
LOOK_CALLS = 32  # reports between two looks at the clock, for steps that turn out slow
SLOW = 0.005  # seconds between two looks that make every report look

_NOT_A_TREE = "a value holds itself or is nested too deeply"


class Run:
    """The account of one rendering."""

    __slots__ = (
        "_calls",
        "_cpu_end",
        "_end",
        "_every",
        "_looked",
        "_next",
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
        self._cpu_end = time.thread_time() + MAX_CPU
        self._next = MAX_STEPS - LOOK_EVERY
        self._calls = self._every = LOOK_CALLS

    def spend(self, steps: int = 1) -> None:
        """Report `steps` pieces of work that are about to be done."""
        self.steps -= steps
        self._calls -= 1
        if self._calls <= 0 or self.steps < self._next:
            self._look()

    def grow(self, characters: int) -> None:
        """Report text of so many characters that is about to be made."""
        self.characters -= characters
        if self.characters < 0:
            raise TemplateError(f"the template makes more than {MAX_CHARACTERS:,} characters of text")

    def _look(self) -> None:
        if self.steps < 0:
            raise TemplateError(f"the template takes more than {MAX_STEPS:,} steps; make its loops smaller")
        now = time.monotonic()
        if now > self._end or time.thread_time() > self._cpu_end:
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
        values, characters, levels = 1, 0, 0
        stack = [iter((value,))]
        while stack:
            for item in stack[-1]:
                if isinstance(item, str):
                    characters += len(item) + 2
                elif isinstance(item, (list, tuple, dict)):
                    if len(stack) > MAX_NESTING:
                        raise TemplateError(_NOT_A_TREE)
                    self.spend(len(item) + 1)
                    values += len(item)
                    characters += 4 * len(item)
                    if isinstance(item, dict):
                        characters += sum(len(key) for key in item if isinstance(key, str))
                        stack.append(iter(item.values()))
                    else:
                        stack.append(iter(item))
                    break
                elif isinstance(item, int):
                    characters += showable(item).bit_length() // 3
            else:
                stack.pop()
            levels = max(levels, len(stack))
            if characters > self.characters:
                self.grow(characters)
        return values, characters, levels


def small(number: int) -> int:
    """Return the whole number, unless it is so large that reckoning with it would hurt."""
    if number.bit_length() > MAX_BITS:
        raise TemplateError("a number of more than 300 digits is not reckoned with")
    return number


def showable(number: int) -> int:
    """Return the whole number, unless it has more digits than Python writes."""
    if number.bit_length() > MAX_SHOWN_BITS:
        raise TemplateError("a number is too long to be shown")
    return number


CURRENT: ContextVar[Run] = ContextVar("misp_workflow_template_run")


def current() -> Run:
    """Return the account of the rendering that goes on in this thread."""
    return CURRENT.get()
