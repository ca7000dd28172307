"""Call everything that a template can call with large values; write a JSON list of what went beyond the account.

Each callable is walked in a process of its own, which the system ends at the first call that takes more than a second of
CPU or a gigabyte: fifty times what the account, lowered here, lets through. Run by test_template_callables.py: with the
arguments N OF, every OF-th of them from the N-th on; with "unaccounted", only a filter that reports nothing.
"""

from __future__ import annotations

import inspect
import itertools
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from misp_workflow.errors import TemplateError
from misp_workflow.template import STYLES, arithmetic, limits, render, sandbox, texts
from misp_workflow.template.compiling import SANDBOX

SECONDS = 1.0
BYTES = 3 * 2**30

limits.MAX_STEPS, limits.MAX_CPU, limits.MAX_CHARACTERS = 20_000, 0.02, 2_000_000

SAME_HASH = 2**61 - 1


def doubled(kind: type) -> Any:
    made: Any = kind(["a"])
    for _ in range(60):
        made = kind([made, made])
    return made


LONG = "a" * 1_000_000
VALUES: dict[str, Any] = {
    "a long text": LONG,
    "another, equal at first": LONG[:-1] + "b",
    "half as long, other at first": "ab" + LONG[: len(LONG) // 2],
    "lines": "a\n" * 300_000,
    "a tag": "tlp:x" + " " * 300_000 + "x",
    "many characters": "".join(map(chr, range(0x4E00, 0xD000))) * 10 + "a",
    "percents": "%%%s" * 100_000,
    "equal texts": [LONG] * 100_000,
    "a tuple of texts": (LONG,) * 100_000,
    "other texts": [f"{'x' * 500}{number}" for number in range(20_000)],
    "numbers of one hash": [number * SAME_HASH for number in range(30_000)],
    "pairs of one hash": [(number * SAME_HASH, 1) for number in range(30_000)],
    "rows": [{"type": "a" * 200, "value": LONG, "Tag": [{"name": "t" * 250}] * 1_000, "uuid": LONG}] * 1_000,
    "an object": {"Event": {"uuid": LONG}, **{f"k{number}": "x" * 50 for number in range(50_000)}},
    "doubled lists": doubled(list),
    "doubled tuples": doubled(tuple),
    "a large number": 10**3_000,
}
SMALL: dict[str, Any] = {"one": 1, "a letter": "a", "a test": "in", "a filter": "count"}
FIRST = {**VALUES, "one": 1}
OTHERS = (
    *(
        "another, equal at first",
        "half as long, other at first",
        "equal texts",
        "numbers of one hash",
        "doubled tuples",
    ),
    *("many characters", "a large number", *SMALL),
)
FEW = ("another, equal at first", "equal texts", "doubled lists")
OUTPUT = "{{ v }}{{ a }}"
"""Each of the two is put out by itself, so that few pairs say what all would."""


def sources() -> Iterator[tuple[str, str, list[str]]]:
    """Yield (name, template, names of its further values): `v` is the value that it is about."""
    for name, function in SANDBOX.filters.items():
        yield f"the filter {name}", f"{{% set r = v|{name}(ARGS) %}}", named(function)
    for name, function in SANDBOX.tests.items():
        if name.replace("_", "").isalpha():
            yield f"the test {name}", f"{{% set r = v is {name}(ARGS) %}}", named(function)
    for name in SANDBOX.globals:
        yield f"the function {name}", f"{{% set r = {name}(v ARGS) %}}", []
    for methods in (texts.METHODS, sandbox._DICT, sandbox._LIST):
        for name, function in methods.items():
            yield f"the method {name}", f"{{% set r = v.{name}(ARGS) %}}", named(function)
    for name in arithmetic.OPERATORS:
        yield f"the operator {name}", f"{{% set r = v {name} a %}}", []
    for name in ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "~"):
        yield f"the operator {name}", f"{{% set r = v {name} a %}}", []
    for style in STYLES:
        yield f"the style {style}", OUTPUT, []
    for name, source in STATEMENTS.items():
        yield name, source, []


STATEMENTS = {
    "a loop": "{% for i in v %}{% endfor %}{% for i in v %}{% if loop.changed(a) %}{% endif %}{% endfor %}",
    "a loop's cycle": "{% for i in v %}{% set r = loop.cycle(a, v) == a %}{% endfor %}",
    "a recursive loop": "{% for i in v recursive %}{{ loop(v) }}{% endfor %}",
    "a part": "{% for i in range(1000) %}{% set r = [v[1:], v[a], v[::-1], v[0]] %}{% endfor %}",
    "a key": "{% set r = {v: 1, a: 2} %}{% set r = {a: 1}[v] %}",
    "a condition": "{% for i in range(1000) %}{% if v and not a %}{% endif %}{% endfor %}",
    "a set block": "{% set x %}{{ v }}{% endset %}{% for i in range(1000) %}{% set r = x.upper() %}{% endfor %}",
    "a macro": "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(v) }}{{ m(a) }}",
    "a list kept": "{% set n = namespace(l=[]) %}{% for i in range(1000) %}{% set n.l = [n.l, v|string] %}{% endfor %}",
}


def named(function: Any) -> list[str]:
    """Return the names by which a callable takes further values."""
    try:
        asked = list(inspect.signature(function).parameters.values())[1:]
    except ValueError:
        return []
    return [one.name for one in asked if one.kind is one.POSITIONAL_OR_KEYWORD or one.kind is one.KEYWORD_ONLY]


def calls(template: str, names: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield templates with their values: each value alone, with each other, and with each by name."""
    for first in FIRST:
        yield template.replace("ARGS", ""), {"v": first}
        for other in OTHERS if template != OUTPUT else FEW if first in FEW else ():
            yield template.replace(" ARGS", ", a").replace("ARGS", "a"), {"v": first, "a": other}
        for name, other in itertools.product(names[1:] if "ARGS" in template else (), FEW):
            yield template.replace("ARGS", f"{name}=a"), {"v": first, "a": other}
    if "ARGS" in template and "set r" in template:
        for first, second, third in itertools.product(FEW, FEW, ("a test", "a filter", FEW[0])):
            yield template.replace(" ARGS", ", a, b").replace("ARGS", "b, a"), {"v": first, "a": second, "b": third}


def walk(name: str, template: str, names: list[str], told: Any) -> None:
    """Make every call, saying of which one before."""
    style = name.removeprefix("the style ") if name.startswith("the style ") else "plain"
    known = {**VALUES, **SMALL}
    for source, places in calls(template, names):
        told.write(f"{source} with {places}\n")
        told.flush()
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            render(source, {short: known[value] for short, value in places.items()}, style)
        except TemplateError as error:
            if "memory" in str(error):
                told.write(f"{source} with {places}: {error}\n")
                return
    told.write("\n")


def apart(name: str, template: str, names: list[str]) -> str | None:
    """Walk one callable in a process of its own; return the call that went too far, or None."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        with os.fdopen(writing, "w") as told:
            walk(name, template, names, told)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as heard:
        *_, last = ["", *heard]
    os.waitpid(child, 0)
    return last.strip() or None


if __name__ == "__main__":
    if sys.argv[1:] == ["unaccounted"]:
        SANDBOX.filters["unaccounted"] = lambda of, item="": list(of).count(item) if isinstance(of, list) else 0
        found = [("the filter unaccounted", "{% set r = v|unaccounted(ARGS) %}", ["item"])]
    else:
        first, step = map(int, sys.argv[1:])
        found = list(sources())[first::step]
    beyond = {name: call for name, template, names in found if (call := apart(name, template, names))}
    json.dump({"walked": [name for name, _, _ in found], "beyond": beyond}, sys.stdout)
