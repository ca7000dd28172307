"""PHP's preg_match() on Python's re and regex: delimiters, modifiers, and the syntax where PCRE and Python part.

PHP matches bytes unless the pattern has the modifier `u`: `/h.llo/` does not find "héllo". So does this.

A pattern that PCRE would refuse matches nothing, as in PHP, which warns and goes on. A pattern that PCRE knows and
Python cannot follow (recursion, \\p{…}, verbs, branch reset, …) raises RunnerError when it is first needed. PHP gives
up on a text after a million steps back; here it is after a second.

Source: the PHP manual, "PCRE Patterns".
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Iterable
from itertools import compress
from typing import Any

import regex

from misp_workflow.errors import RunnerError
from misp_workflow.php.pcre_syntax import InvalidPatternError, Translator, UnsupportedPatternError

Matcher = Callable[[str], bool]

PATIENCE, IMPATIENT = 1.0, 0.01  # seconds

SHORT = 1000
_LETS_GO_BACK = "(*+?{"
"""With one of these at most, a pattern takes no more steps than the square of a text's length."""

_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_MODIFIERS = frozenset("imsxADSUXuJn \r\n")


@functools.lru_cache(maxsize=256)
def matcher(pattern: str) -> Matcher:
    """preg_match() with this pattern, delimiters and modifiers included, as a test of one text."""
    try:
        body, modifiers = _split(pattern)
        return _compile(body, modifiers)
    except InvalidPatternError:
        return lambda subject: False
    except UnsupportedPatternError as what:
        return _refuse(
            f"MISP would match the regular expression {pattern} here, and this engine cannot: it has {what}."
        )


def _refuse(sentence: str) -> Matcher:
    def refuse(subject: str) -> bool:
        raise RunnerError(sentence)

    return refuse


def _split(pattern: str) -> tuple[str, str]:
    """The body and the modifiers; InvalidPatternError where PHP finds no delimiters or does not know a modifier."""
    pattern = pattern.lstrip(" \t\n\r\v\f")
    if not pattern or (pattern[0].isascii() and pattern[0].isalnum()) or pattern[0] in "\\\0":
        raise InvalidPatternError
    end = _closing(pattern)
    modifiers = pattern[end + 1 :]
    if not _MODIFIERS.issuperset(modifiers):
        raise InvalidPatternError
    return pattern[1:end], modifiers


def _closing(pattern: str) -> int:
    opening, closing = pattern[0], _BRACKETS.get(pattern[0], pattern[0])
    depth, place = 1, 1
    while place < len(pattern):
        char = pattern[place]
        if char == "\\":
            place += 1
        elif char == closing:
            depth -= 1
            if depth == 0:
                return place
        elif char == opening:
            depth += 1
        place += 1
    raise InvalidPatternError


def _compile(body: str, modifiers: str) -> Matcher:
    text_mode = "u" in modifiers
    if not text_mode:
        body = body.encode("utf-8", "surrogatepass").decode("latin-1")
    try:
        translated = Translator(body, modifiers, text_mode).pattern()
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            pattern = translated if text_mode else translated.encode("latin-1")
            return _Bounded(pattern, "A" in modifiers, sum(map(body.count, _LETS_GO_BACK)) <= 1)
    except (re.error, regex.error, OverflowError, FutureWarning) as error:
        if any(word in str(error) for word in ("look-behind", "open group", "redefinition")):
            raise UnsupportedPatternError("a look-behind, a reference or a name of a kind that only PCRE has") from None
        raise InvalidPatternError from None
    except RecursionError:
        raise UnsupportedPatternError("groups nested too deep") from None


class _Bounded:
    """Whether a pattern is found in a text. One that it takes too long over counts as not found, as in PHP.

    From then on it gets a hundredth of the time for each further text, so that many of them end too. Looking at the
    clock costs more than most searches: a `quick` pattern does without, on texts where it cannot take long, and there
    Python's own `re`, which has no clock, finds the same in less than half of the time.
    """

    def __init__(self, pattern: str | bytes, at_the_start: bool, quick: bool) -> None:
        plain: re.Pattern[Any] = re.compile(pattern)  # this says, too, what PCRE would not take either
        bounded: regex.Pattern[Any] = regex.compile(pattern)
        self._find_at_once = plain.match if at_the_start else plain.search
        self._find = bounded.match if at_the_start else bounded.search
        self._in_bytes = isinstance(pattern, bytes)
        self._patience = PATIENCE
        self._at_once_up_to = SHORT if quick else -1

    def __call__(self, text: str) -> bool:
        subject: Any = text.encode("utf-8", "surrogatepass") if self._in_bytes else text
        if len(subject) <= self._at_once_up_to:
            return self._find_at_once(subject) is not None
        try:
            return self._find(subject, timeout=self._patience) is not None
        except TimeoutError:
            self._patience = IMPATIENT
            return False

    def each(self, texts: list[str]) -> Iterable[object]:
        """Something true for each text in which the pattern is found."""
        if self._in_bytes:
            try:
                subjects = list(map(str.encode, texts))
            except UnicodeEncodeError:
                return map(self, texts)
            if max(map(len, subjects), default=0) <= self._at_once_up_to:
                return map(self._find_at_once, subjects)
        return map(self, texts)

    def among(self, texts: set[str]) -> set[str]:
        """Those of the texts in which the pattern is found."""
        many = list(texts)
        return set(compress(many, self.each(many)))
