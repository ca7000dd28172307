"""The one sandboxed environment: what a template may read, call and reckon."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Undefined
from jinja2.runtime import LoopContext, Macro, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from markupsafe import Markup

from misp_workflow.errors import TemplateError
from misp_workflow.template import arithmetic, filters, texts, values
from misp_workflow.template.attributes import Attributes, reading
from misp_workflow.template.grammar import Generator, nearest
from misp_workflow.template.limits import MAX_DEPTH, current
from misp_workflow.template.predicates import TESTS
from misp_workflow.template.style import Style
from misp_workflow.template.values import Helper

KEPT = 2_048
SHORT = 200
"""How many texts are kept as they were put out, and how long one may be: the names of facts and most values come in
each block of a message, and in the next message again."""

LONG = 256
"""Characters. To compare a shorter text is no work of its own."""

_FALSE_TEXTS = frozenset({"", "0", "false", "no", "off"})
_LOOP = frozenset(
    "index index0 revindex revindex0 first last length depth depth0 previtem nextitem".split()  # noqa: SIM905
)
_DICT: dict[str, Callable[..., Any]] = {
    "get": lambda of, key, default=None: reading(of, values.scalar(key), default),
    "keys": lambda of: values.items(of),
    "values": lambda of: [reading(of, key) for key in values.items(of)],
    "items": lambda of: [(key, reading(of, key)) for key in values.items(of)],
}
_LIST: dict[str, Callable[..., Any]] = {
    "count": lambda of, item: of.count(_sought(of, item)),
    "index": lambda of, item: of.index(_sought(of, item)),
}


class Missing(StrictUndefined):
    """A name that does not exist; whoever uses it hears which name might have been meant."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        owner, name = self._undefined_obj, self._undefined_name
        if self._undefined_hint:
            return str(self._undefined_hint)
        if isinstance(owner, Mapping):
            return f"there is no '{name}' in this object" + nearest(str(name), owner)
        if isinstance(owner, (list, tuple, str)):
            return f"{values.kind(owner)} has no '{name}'" + nearest(
                str(name), texts.METHODS if isinstance(owner, str) else _LIST
            )
        return f"there is no '{name}'" + nearest(str(name), current().names())


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, narrowed to plain data: an allow-list of everything, and every step on the account."""

    code_generator_class = Generator
    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)

    def __init__(self) -> None:
        super().__init__(
            undefined=Missing,
            autoescape=True,
            optimized=False,  # nothing is computed before the account is open
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols"],
            cache_size=0,
        )
        self.filters = dict(filters.FILTERS)
        self.tests = dict(TESTS)
        self.globals = {name: Helper(name, function) for name, function in filters.FUNCTIONS.items()}
        self.emit = emit
        self.own = Markup
        self.joined = texts.together
        self.compared = compared
        self.tick = tick
        self.rounds = values.items
        self.key = values.scalar
        self.part = part
        self.truth = truth

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return obj.attribute: a member of an object, or one of the few methods that data has here."""
        if isinstance(obj, dict):
            if attribute in obj:
                return reading(obj, attribute)
            return self._method(_DICT, obj, attribute)
        if isinstance(obj, str):
            return self._method(texts.METHODS, values.plain(obj), attribute)
        if isinstance(obj, (list, tuple)):
            return self._method(_LIST, obj, attribute)
        if isinstance(obj, LoopContext):
            return self._of_loop(obj, attribute)
        if isinstance(obj, Namespace):
            return (
                getattr(obj, attribute, None)
                if attribute in _held(obj)
                else self.undefined(obj=_held(obj), name=attribute)
            )
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        if isinstance(obj, Undefined):
            str(obj)  # raises
        if dataclasses.is_dataclass(obj) and not isinstance(obj, type):  # a record of the caller's
            fields = [field.name for field in dataclasses.fields(obj)]
            if attribute in fields:
                return getattr(obj, attribute)
            return self.undefined(hint=f"there is no '{attribute}' in this object" + nearest(attribute, fields))
        return self.undefined(hint=f"{values.kind(obj)} has no '{attribute}'")

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return obj[argument] of an object, a list or a text."""
        if isinstance(obj, Mapping):
            key = values.scalar(argument)
            return reading(obj, key) if key in obj else self.undefined(obj=obj, name=key)
        if isinstance(obj, (list, tuple, str)) and isinstance(argument, int):
            try:
                return _letters(obj, argument) if isinstance(obj, str) else obj[argument]
            except IndexError:
                return self.undefined(hint=f"{values.kind(obj)} has no item {argument}")
        if isinstance(argument, str):
            return self.getattr(obj, str(argument))
        if isinstance(obj, Undefined):
            str(obj)  # raises
        return self.undefined(hint=f"{values.kind(obj)} has no item of that name")

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro, a recursive loop or one of the functions of this package; nothing else."""
        kwargs.pop("_loop_vars", None)
        kwargs.pop("_block_vars", None)
        run = current()
        run.spend()
        if isinstance(obj, Helper):
            return obj.function(*args, **kwargs)
        if isinstance(obj, Attributes):
            return obj(*args, **kwargs)
        if isinstance(obj, LoopContext):
            args = tuple(map(values.items, args))
        elif isinstance(obj, Undefined):
            str(obj)  # raises
        elif not isinstance(obj, Macro):
            raise TemplateError(f"{values.kind(obj)} cannot be called")
        run.depth += 1
        if run.depth > MAX_DEPTH:
            raise TemplateError(f"macros call each other more than {MAX_DEPTH} deep")
        try:
            return obj(*args, **kwargs)
        finally:
            run.depth -= 1

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Reckon within bounds."""
        current().spend()
        return arithmetic.OPERATORS[operator](left, right)

    def _method(self, methods: Mapping[str, Callable[..., Any]], obj: Any, name: str) -> Any:
        function = methods.get(name)
        if function is None:
            return self.undefined(obj=obj, name=name)
        return Helper(name, lambda *args, **kwargs: function(obj, *args, **kwargs))

    def _of_loop(self, loop: LoopContext, name: str) -> Any:
        if name in _LOOP:
            return getattr(loop, name)
        if name == "cycle":
            return Helper(name, loop.cycle)
        if name == "changed":
            return Helper(name, lambda *args: loop.changed(*map(compared, args)))
        return self.undefined(hint=f"a loop has no '{name}'" + nearest(name, _LOOP))


def _held(namespace: Namespace) -> dict[str, Any]:
    held: dict[str, Any] = object.__getattribute__(namespace, "_Namespace__attrs")
    return held


def emit(value: Any) -> str:
    """Return what an output of the template puts into its text: escaped for its place."""
    run = current()
    run.spend()
    if isinstance(value, Markup):
        run.grow(len(value))
        return value
    made = put_out(run.style, value)
    run.grow(len(made))
    return made


def put_out(style: Style, value: Any) -> str:
    """Return a value as it is put out in this style."""
    return _put_out_short(style, value) if type(value) is str and len(value) <= SHORT else style.emit(value)


@lru_cache(maxsize=KEPT)
def _put_out_short(style: Style, value: str) -> str:
    return style.emit(value)


def _sought(of: Sequence[Any], item: Any) -> Any:
    """Return what a list is about to be searched for; those of its items that are as long are compared to their end."""
    run, item = current(), values.plain(item)
    run.spend(len(of) + 1)
    kinds = str if isinstance(item, str) else (list, tuple, dict)
    if isinstance(item, kinds):
        held, characters, _ = run.measure(item)
        alike = sum(1 for one in of if isinstance(one, kinds) and len(one) == len(item))
        run.spend(alike * held)
        run.read(alike * characters)
    return item


def compared(value: Any) -> Any:
    """Return a value that is about to be compared; comparing walks through lists, and is reported."""
    if isinstance(value, (list, tuple, dict)):
        current().measure(value)
    elif isinstance(value, str) and len(value) > LONG:
        current().read(len(value))
    return values.plain(value)


def truth(value: Any) -> bool:
    """Return whether a condition's value is true; MISP writes flags as text, so "0" and "false" are not."""
    return value.strip().lower() not in _FALSE_TEXTS if isinstance(value, str) else bool(value)


def tick(steps: int, characters: int) -> bool:
    """Report one round of a loop, or one call of a macro."""
    run = current()
    run.spend(steps)
    if characters:
        run.grow(characters)
    return True


def part(value: Any, start: Any, stop: Any, step: Any) -> Any:
    """Return value[start:stop:step] of a text or a list."""
    if isinstance(value, Undefined):
        str(value)  # raises
    if not isinstance(value, (str, list, tuple)):
        raise TemplateError(f"{values.kind(value)} has no parts")
    bounds = slice(*(None if bound is None else operator.index(bound) for bound in (start, stop, step)))
    if isinstance(value, str):
        current().grow(len(value))
        return _letters(value, bounds)
    current().spend(len(value))
    return value[bounds]


def _letters(of: str, which: int | slice) -> str:
    if type(of) is not str:
        current().read(len(of))
    made = str(values.plain(of))[which]
    return values.Indicator(made) if isinstance(of, values.Indicator) else made
