"""What can be done with a text, in templates: as a method (`x.upper()`) or as a filter (`x|upper`), always bounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from misp_workflow.errors import TemplateError
from misp_workflow.template.limits import current, paying, small
from misp_workflow.template.values import Indicator, Live, kind, number, text

MAX_WIDTH = 1_000  # characters that padding, indenting or a number's format may ask for
MAX_STRIPPED = 100  # characters that are taken away around a text

_CONVERSION = re.compile(r"%(?:\((\w+)\))?([#0 +-]*)(\d*)(?:\.(\d*))?([diouxXeEfFgGsr%])|%")


def formatted(pattern: str, *args: Any, **kwargs: Any) -> str:
    """Return `"%s has %d" | format(a, b)`: the printf kind, widths and precisions up to MAX_WIDTH."""
    run = current()
    run.read(len(pattern))
    for match in _CONVERSION.finditer(pattern):
        run.spend(4)
        if match[0] == "%":
            raise TemplateError("this format has a % that it does not explain; write %% for the sign itself")
        for digits in (match[3], match[4]):
            if digits and (len(digits) > 4 or int(digits) > MAX_WIDTH):
                raise TemplateError(f"a format's width and precision go up to {MAX_WIDTH}")
        run.grow(MAX_WIDTH if match[3] or match[4] else 32)
    if args and kwargs:
        raise TemplateError("a format takes values by position or by name, not both")
    values = [_formattable(value) for value in args]
    named = {name: _formattable(value) for name, value in kwargs.items()}
    used = len(_CONVERSION.findall(pattern)) if kwargs else 1
    run.grow(used * sum(len(value) for value in [*values, *named.values()] if isinstance(value, str)))
    return str(pattern % (named or tuple(values)))


def _formattable(value: Any) -> Any:
    if isinstance(value, (int, float)):
        return small(value) if isinstance(value, int) else value
    made: str = current().style.settled(value) if isinstance(value, Indicator) else text(value)
    return str(made)


def _keeping(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let what is made of an indicator's text be an indicator again, so that it is still shown defanged."""

    def work(of: Any, *args: Any, **kwargs: Any) -> Any:
        made = function(of, *args, **kwargs)
        if isinstance(of, Indicator):
            if isinstance(made, str):
                return Indicator(made)
            if isinstance(made, list):
                return [Indicator(part) for part in made]
        return made

    return work


def _same_length(function: Callable[[str], str]) -> Callable[[str], str]:
    def change(of: Any) -> str:
        written = str(text(of))
        current().grow(2 * len(written))  # some letters become two when their case changes
        return function(written)

    return change


def _padded(function: Callable[..., str]) -> Callable[..., str]:
    def pad(of: Any, width: int = 80, fill: str = " ") -> str:
        of = text(of)
        current().grow(len(of) + number(width, "the width", 0, MAX_WIDTH))
        return function(str(of), width, fill) if function is not str.zfill else str(of).zfill(width)

    return pad


def replaced(of: Any, old: Any, new: Any, count: int = -1) -> str:
    """Return the text with `old` replaced by `new`, the first `count` times or everywhere."""
    written, old, new = str(text(of)), str(text(old)), str(text(new))
    times = written.count(old) if count is None or count < 0 else min(count, written.count(old))
    current().grow(len(written) + times * len(new))
    return written.replace(old, new, times)


def split(of: Any, separator: str | None = None, maxsplit: int = -1) -> list[str]:
    """Return the parts of a text between separators, or between white space."""
    run = current()
    run.grow(2 * len(of))
    run.spend((of.count(separator) if separator else len(of) // 2) + 1)
    return str(of).split(separator, maxsplit)


def lines(of: Any) -> list[str]:
    """Return the lines of a text."""
    run = current()
    run.grow(2 * len(of))
    run.spend(len(of) // 2 + 1)
    return str(of).splitlines()


def joined(separator: Any, items: Any) -> str:
    """Return the items as texts with the separator between them."""
    if not isinstance(items, (list, tuple)):
        raise TemplateError(f"{kind(items)} has no items to join")
    current().spend(len(items) + 1)
    return together([part for item in items for part in (separator, item)][1:])


def together(parts: Sequence[Any]) -> str:
    """Return the parts as one text.

    Where one is finished the others are escaped, and the whole is finished. Where people read, each part keeps its
    links dead or alive.
    """
    run = current()
    run.spend(len(parts))
    if any(isinstance(part, Markup) for part in parts):
        made = [part if isinstance(part, Markup) else run.style.emit(part) for part in parts]
        run.grow(sum(map(len, made)))
        return Markup("".join(made))  # noqa: S704 - every part has been escaped for its place
    settled = run.style.people and any(isinstance(part, (Indicator, Live)) for part in parts)
    made = [run.style.settled(part) if settled else text(part) for part in parts]
    run.grow(sum(map(len, made)))
    return Live("".join(made)) if settled else "".join(made)


def truncated(of: Any, length: int = 255, killwords: bool = False, end: str = "…", leeway: int = 0) -> str:
    """Return at most `length` characters, `end` included when something was cut; between words unless `killwords`."""
    written, end = str(text(of)), str(text(end))
    length = number(length, "the length", len(end), 1_000_000)
    if len(written) <= length + (leeway or 0):
        return written
    current().grow(length)
    kept = written[: length - len(end)]
    if not killwords and " " in kept:
        kept = kept.rsplit(" ", 1)[0]
    return kept + end


def indented(of: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    """Return the text with every line but the first moved to the right by `width` spaces (or by a text)."""
    of = text(of)
    margin = str(width) if isinstance(width, str) else " " * number(width, "the width", 0, MAX_WIDTH)
    run, breaks = current(), of.count("\n")
    run.grow(len(of) + (breaks + 1) * len(margin))
    run.spend(breaks)
    pieces = str(of).split("\n")
    moved = [
        margin + line if (line.strip() or blank) and (place or first) else line for place, line in enumerate(pieces)
    ]
    return "\n".join(moved)


def wrapped(of: Any, width: int = 79, break_long_words: bool = True, wrapstring: str = "\n") -> str:
    """Return the text with line breaks so that no line is longer than `width`."""
    of, between, run = str(text(of)), str(text(wrapstring)), current()
    width = number(width, "the width", 1, 10_000)
    run.spend(2 * len(of))  # wrapping is slow work
    run.grow(len(of) + (len(of) // width + of.count("\n") + of.count(" ") + 1) * len(between))
    made = []
    for line in of.split("\n"):
        taken = ""
        for word in line.split(" "):
            pieces = [word[at : at + width] for at in range(0, len(word), width)] if break_long_words else [word]
            for place, piece in enumerate(pieces or [""]):
                if not taken:
                    taken = piece
                elif place == 0 and len(taken) + 1 + len(piece) <= width:
                    taken += " " + piece
                else:
                    made.append(taken)
                    taken = piece
        made.append(taken)
    return between.join(made)


def trimmed(of: Any, characters: str | None = None) -> str:
    """Return the text without white space, or without some characters, around it; finished text stays finished."""
    current().grow(len(text(of)))
    if isinstance(of, Markup) and characters is None:
        return Markup(str(of).strip())  # noqa: S704 - it was finished
    return _strip(str.strip)(text(of), characters)


def backwards(of: Any) -> str:
    """Return the text from its end to its start."""
    current().grow(len(text(of)))
    return text(of)[::-1]


def _strip(function: Callable[..., str]) -> Callable[..., str]:
    """Bound what is taken away: Python looks through all of it for each character."""

    def strip(of: Any, characters: str | None = None) -> str:
        run = current()
        run.grow(len(of))
        if isinstance(characters, str):
            if len(characters) > MAX_STRIPPED:
                raise TemplateError(f"up to {MAX_STRIPPED} characters can be taken away around a text")
            run.read(len(of) * len(characters))
        return function(str(of), characters)

    return strip


def _backwards(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a search from the end, which Python begins anew at every place, report all that it may compare."""

    def find(of: Any, sought: str, *bounds: int) -> Any:
        run = current()
        run.grow(len(of))
        run.read(len(of) * min(len(sought), len(of)))
        return function(str(of), sought, *bounds)

    return find


def _ends(function: Callable[..., bool]) -> Callable[..., bool]:
    def ask(of: Any, sought: Any, *bounds: int) -> bool:
        each = sought if isinstance(sought, tuple) else (sought,)
        run = current()
        run.spend(len(each))
        run.read(sum(min(len(one), len(of)) for one in each))
        return function(str(of), sought, *bounds)

    return ask


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    def ask(of: Any, *args: Any) -> Any:
        current().grow(len(of))
        return function(str(of), *args)

    return ask


METHODS: dict[str, Callable[..., Any]] = {
    **{
        name: _same_length(getattr(str, name))
        for name in ("lower", "upper", "title", "capitalize", "swapcase", "casefold")
    },
    **{name: _padded(getattr(str, name)) for name in ("center", "ljust", "rjust")},
    "zfill": lambda of, width: _padded(str.zfill)(of, width),
    **{
        name: _plain(getattr(str, name))
        for name in (
            *("removeprefix", "removesuffix", "partition", "find", "count"),
            *("isdigit", "isalpha", "isalnum", "islower", "isupper", "isspace", "isdecimal", "isnumeric"),
        )
    },
    **{name: _strip(getattr(str, name)) for name in ("strip", "lstrip", "rstrip")},
    **{name: _backwards(getattr(str, name)) for name in ("rfind", "rpartition")},
    **{name: _ends(getattr(str, name)) for name in ("startswith", "endswith")},
    "replace": replaced,
    "split": split,
    "splitlines": lines,
    "join": joined,
}
METHODS.update({name: _keeping(function) for name, function in METHODS.items() if name != "join"})
METHODS = paying(METHODS)
FILTERS: dict[str, Callable[..., Any]] = {
    **{name: METHODS[name] for name in ("lower", "upper", "title", "capitalize", "center", "replace")},
    "truncate": _keeping(truncated),
    "indent": _keeping(indented),
    "wordwrap": _keeping(wrapped),
    "trim": _keeping(trimmed),
}
