"""PCRE's pattern syntax, written out in Python's. For `pcre`; source: pcre2pattern(3)."""

from __future__ import annotations

import re
import sys

_KNOWS_ATOMIC = sys.version_info >= (3, 11)
_QUANTIFIER = re.compile(r"([*+?]|\{\d+(?:,\d*)?\})([+?]?)")

# What a class escape stands for, written for the inside of a Python class.
_SPACES = "\\t\\x20\\xa0"
_LINES = "\\n\\x0b\\x0c\\r\\x85"
_CLASS_ESCAPES = {"d": "\\d", "D": "\\D", "w": "\\w", "W": "\\W", "s": "\\s", "S": "\\S", "h": _SPACES, "v": _LINES}
_NEGATED = {"H": _SPACES, "V": _LINES, "N": "\\n"}
_CHARACTERS = {"a": "\a", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ASSERTIONS = {"b": "\\b", "B": "(?!\\b)", "A": "\\A", "z": "\\Z", "Z": "(?=\\n?\\Z)", "G": "\\A", "K": ""}
_POSIX = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "A-Za-z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": "\\t-\\r\\x20",
    "blank": "\\t\\x20",
    "punct": "!-/:-@\\[-`{-~",
    "print": "\\x20-~",
    "graph": "!-~",
    "cntrl": "\\x00-\\x1f\\x7f",
    "xdigit": "0-9A-Fa-f",
    "word": "A-Za-z0-9_",
    "ascii": "\\x00-\\x7f",
}


class InvalidPatternError(Exception):
    """PCRE would refuse this pattern."""


class UnsupportedPatternError(Exception):
    """PCRE knows this, Python does not; the text says what."""


class Translator:
    """One walk through a PCRE pattern, writing Python's. Options are written out atom by atom."""

    def __init__(self, body: str, modifiers: str, text_mode: bool) -> None:
        self._body = body
        self._place = 0
        self._options = frozenset(modifiers) & frozenset("imsxUnD")
        self._highest = 0x10FFFF if text_mode else 0xFF
        self._text_mode = text_mode
        self._groups = 0
        self._repeatable = True
        self._highest_reference = 0
        self._looks_ahead = False

    def pattern(self) -> str:
        written = self._alternatives()
        if self._place < len(self._body):
            raise InvalidPatternError  # a ")" too many
        if self._highest_reference > self._groups:
            raise InvalidPatternError
        if self._looks_ahead:
            raise UnsupportedPatternError("a reference to a later group")
        return written

    # ── structure ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _alternatives(self) -> str:
        """Everything up to the ")" that closes this group; options set inside end with it."""
        outer, pieces = self._options, []
        self._skip()
        while self._place < len(self._body) and self._peek() != ")":
            pieces.append("|" if self._take("|") else self._quantified(self._atom()))
            self._skip()
        self._options = outer
        return "".join(pieces)

    def _skip(self) -> None:
        """Pass over what stands for nothing: comments, white space under `x`, an empty quotation."""
        while True:
            if self._take("(?#"):
                self._until(")")
            elif "x" in self._options and self._take("#"):
                self._place = (self._body + "\n").index("\n", self._place) + 1
            elif not (self._take("\\Q\\E") or self._take("\\E")) and not (
                "x" in self._options and self._span(r"[ \t-\r]+")
            ):
                return

    def _peek(self) -> str:
        return self._body[self._place : self._place + 1]

    def _next(self) -> str:
        char = self._peek()
        if not char:
            raise InvalidPatternError
        self._place += 1
        return char

    def _take(self, text: str) -> bool:
        if self._body.startswith(text, self._place):
            self._place += len(text)
            return True
        return False

    def _until(self, end: str) -> str:
        stop = self._body.find(end, self._place)
        if stop < 0:
            raise InvalidPatternError
        found, self._place = self._body[self._place : stop], stop + len(end)
        return found

    def _atom(self) -> str:
        char = self._next()
        self._repeatable = char not in "^$"
        if char in "*+?" or (char == "{" and _QUANTIFIER.match(self._body, self._place - 1)):
            raise InvalidPatternError  # nothing to repeat
        if char == "(":
            return self._group()
        if char == "[":
            return self._cased(self._class())
        if char == "\\":
            return self._escape()
        if char == ".":
            return "[\\s\\S]" if "s" in self._options else "[^\\n]"
        if char == "^":
            return "(?:\\A|(?<=\\n)(?!\\Z))" if "m" in self._options else "\\A"
        if char == "$":
            return self._end()
        return self._cased(_literal(char))

    def _end(self) -> str:
        if "m" in self._options:
            return "(?=\\n|\\Z)"
        return "\\Z" if "D" in self._options else "(?=\\n?\\Z)"

    def _cased(self, atom: str) -> str:
        return f"(?i:{atom})" if "i" in self._options else atom

    def _quantified(self, atom: str) -> str:
        repeatable = self._repeatable
        self._skip()
        found = _QUANTIFIER.match(self._body, self._place)
        if found is None:
            return atom
        self._place = found.end()
        count, manner = found[1], found[2]
        if manner == "+" and not _KNOWS_ATOMIC:
            raise UnsupportedPatternError("a possessive quantifier, which takes Python 3.11 or newer")
        if not repeatable or any(int(number) > 65535 for number in re.findall(r"\d+", count)):
            raise InvalidPatternError
        if "U" in self._options and manner != "+":
            manner = "" if manner == "?" else "?"
        return f"(?:{atom}){count}{manner}"

    # ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _group(self) -> str:
        if self._peek() == "*":
            raise UnsupportedPatternError("a verb, (*…)")
        if not self._take("?"):
            return self._capture("" if "n" not in self._options else "?:")
        for opening in (":", "=", "!", "<=", "<!", ">"):
            if self._take(opening):
                if opening == ">" and not _KNOWS_ATOMIC:
                    raise UnsupportedPatternError("an atomic group, which takes Python 3.11 or newer")
                return self._closed(f"(?{opening}")
        if self._take("P="):
            return self._cased(f"(?P={self._until(')')})")
        for opening, closing in (("P<", ">"), ("<", ">"), ("'", "'")):
            if self._take(opening):
                return self._capture(f"?P<{self._until(closing)}>")
        if self._take("("):
            return self._conditional()
        return self._options_group()

    def _capture(self, kind: str) -> str:
        if kind != "?:":
            self._groups += 1
        return self._closed(f"({kind}")

    def _closed(self, opening: str) -> str:
        inner = self._alternatives()
        if not self._take(")"):
            raise InvalidPatternError
        self._repeatable = True
        return f"{opening}{inner})"

    def _conditional(self) -> str:
        condition = self._until(")").strip("<>'")
        if not re.fullmatch(r"[A-Za-z_]\w*|[1-9]\d*", condition) or condition in ("R", "DEFINE"):
            raise UnsupportedPatternError("a condition that is no group")
        return self._closed(f"(?({condition})")

    def _options_group(self) -> str:
        found = re.compile(r"(\^?[imsxnUJ]*)(?:-([imsxnUJ]*))?([:)])").match(self._body, self._place)
        if found is None:
            raise UnsupportedPatternError("a group of a kind that only PCRE has, (?…)")
        self._place = found.end()
        base = self._options - frozenset("imsxn") if found[1].startswith("^") else self._options
        changed = (base | frozenset(found[1].strip("^"))) - frozenset(found[2] or "")
        if found[3] == ")":
            self._options, self._repeatable = changed, False
            return ""
        outer, self._options = self._options, changed
        written = self._closed("(?:")
        self._options = outer
        return written

    # ── escapes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _escape(self) -> str:
        char = self._next()
        if char in _ASSERTIONS:
            self._repeatable = False
            return _ASSERTIONS[char]
        if char in _CLASS_ESCAPES:
            return f"[{_CLASS_ESCAPES[char]}]"
        if char in _NEGATED:
            return f"[^{_NEGATED[char]}]"
        if char == "R":
            return f"(?:\\r\\n|[{_LINES}])"
        if char == "C" and not self._text_mode:
            return "[\\s\\S]"
        if char in "pPXC":
            raise UnsupportedPatternError(f"\\{char}")
        if char == "Q":
            return self._quoted()
        if char in "gk" and (reference := self._reference(char)):
            return self._cased(reference)
        if char in "123456789" and (reference := self._numbered(char)):
            return self._cased(reference)
        return self._cased(_literal(self._character(char)))

    def _quoted(self) -> str:
        """\\Q…\\E; a quantifier after it belongs to the last character only."""
        stop = self._body.find("\\E", self._place)
        stop, after = (len(self._body), len(self._body)) if stop < 0 else (stop, stop + 2)
        found, self._place = self._body[self._place : stop], after
        written = [self._cased(_literal(char)) for char in found]
        if written:
            written[-1] = self._quantified(written[-1])
        self._repeatable = False
        return "".join(written)

    def _reference(self, kind: str) -> str:
        shapes = r"\{(-?\w+)\}|(-?\d+)" if kind == "g" else r"\{(\w+)\}|<(\w+)>|'(\w+)'"
        found = re.compile(shapes).match(self._body, self._place)
        if found is None:
            if kind == "g" and self._peek() in ("<", "'"):
                raise UnsupportedPatternError("a call of a group, \\g<…>")
            return ""
        self._place = found.end()
        name = next(part for part in found.groups() if part is not None)
        if not name.lstrip("-").isdigit():
            return f"(?P={name})"
        number = int(name) if int(name) > 0 else self._groups + 1 + int(name)
        if number < 1:
            self._place = found.start()
            return ""  # no such group: PHP takes the letter for itself
        return f"(?:\\{self._known_group(number)})"

    def _numbered(self, first: str) -> str:
        start = self._place
        digits = first + self._span(r"\d{0,2}")
        if len(digits) > 1 and first < "8" and int(digits) > self._groups:
            self._place = start
            return ""  # no such group: an octal code
        return f"(?:\\{self._known_group(int(digits))})"

    def _known_group(self, number: int) -> int:
        self._highest_reference = max(self._highest_reference, number)
        self._looks_ahead = self._looks_ahead or number > self._groups
        return number

    def _character(self, char: str) -> str:
        """The one character that an escape stands for; what PCRE does not know stands for itself, as PHP sets it."""
        if char in _CHARACTERS:
            return _CHARACTERS[char]
        if char == "x":
            if self._take("{"):
                return self._coded(self._until("}"), 16)
            return self._coded(self._span(r"[0-9A-Fa-f]{0,2}") or "0", 16)
        if char == "o" and self._take("{"):
            return self._coded(self._until("}"), 8)
        if char == "c" and self._peek():
            return chr(ord(self._next().upper()) ^ 64)
        if char in "01234567":
            return self._coded(char + self._span(r"[0-7]{0,2}"), 8)
        return char

    def _span(self, shape: str) -> str:
        found = re.compile(shape).match(self._body, self._place)
        self._place = found.end() if found else self._place
        return found[0] if found else ""

    def _coded(self, digits: str, base: int) -> str:
        try:
            code = int(digits.strip(), base)
        except ValueError:
            raise InvalidPatternError from None
        if code > self._highest:
            raise InvalidPatternError
        return chr(code)

    # ── classes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _class(self) -> str:
        negated = self._take("^")
        parts = [_literal(self._next())] if self._peek() == "]" else []
        while not self._take("]"):
            parts.append(self._range())
        inner = "".join(parts)
        if inner:
            return f"[{'^' if negated else ''}{inner}]"
        return "[\\s\\S]" if negated else "(?!)"

    def _range(self) -> str:
        """One member of a class, or a range of two."""
        first = self._member()
        follows = self._body[self._place : self._place + 2]
        if follows[:1] != "-" or follows[1:] in ("]", ""):
            return _literal(first) if len(first) == 1 else first[1:]
        if len(first) != 1:
            raise InvalidPatternError  # a range that begins with a class
        self._place += 1
        last = self._member()
        if len(last) != 1 or last < first:
            raise InvalidPatternError
        return f"{_literal(first)}-{_literal(last)}"

    def _member(self) -> str:
        """A single character, or "+" and what a class escape stands for."""
        char = self._next()
        if char == "[" and (name := self._posix()):
            return "+" + name
        if char != "\\":
            return char
        char = self._next()
        if char in _CLASS_ESCAPES:
            return "+" + _CLASS_ESCAPES[char]
        if char in "ABGKRXZkz":
            raise InvalidPatternError
        if char in _NEGATED or char in "pPQE":
            raise UnsupportedPatternError(f"\\{char} inside a class")
        return "\b" if char == "b" else self._character(char)

    def _posix(self) -> str:
        found = re.compile(r":(\^?)([a-z]+):\]").match(self._body, self._place)
        if found is None:
            return ""
        if found[2] not in _POSIX:
            raise InvalidPatternError
        if self._text_mode or found[1]:
            raise UnsupportedPatternError("a POSIX class that is negated or under the modifier u")
        self._place = found.end()
        return _POSIX[found[2]]


def _literal(char: str) -> str:
    return char if char.isascii() and char.isalnum() else f"\\x{ord(char):02x}" if ord(char) < 256 else re.escape(char)
