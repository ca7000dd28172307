"""How MISP makes ids, keys and labels from the names in a module. Mirrors CakePHP 2's `Inflector` and the parameter
handling of `Module_misp_module`.

CakePHP works on bytes in places, so a non-ASCII letter is no word character there; the results here do the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from misp_workflow import php

# A letter per group that Inflector::slug() writes in ASCII; everything else keeps its script.
_TRANSLITERATION = {
    "A": "ÀÁÂÃÅǺĀĂĄǍ", "AE": "ÆǼ", "Ae": "Ä", "C": "ÇĆĈĊČ", "D": "ÐĎĐ", "E": "ÈÉÊËĒĔĖĘĚ", "G": "ĜĞĠĢҐ", "H": "ĤĦ",
    "I": "ÌÍÎÏĨĪĬǏĮİІ", "IJ": "Ĳ", "J": "Ĵ", "K": "Ķ", "L": "ĹĻĽĿŁ", "N": "ÑŃŅŇ", "O": "ÒÓÔÕŌŎǑŐƠØǾ", "OE": "Œ",
    "Oe": "Ö", "R": "ŔŖŘ", "S": "ŚŜŞȘŠ", "SS": "ẞ", "T": "ŢȚŤŦ", "TH": "Þ", "U": "ÙÚÛŨŪŬŮŰŲƯǓǕǗǙǛ", "Ue": "Ü", "W": "Ŵ",
    "Y": "ÝŸŶ", "Ye": "Є", "Yi": "Ї", "Z": "ŹŻŽ",
    "a": "àáâãåǻāăąǎª", "ae": "äæǽ", "c": "çćĉċč", "d": "ðďđ", "e": "èéêëēĕėęě", "f": "ƒ", "g": "ĝğġģґ", "h": "ĥħ",
    "i": "ìíîïĩīĭǐįıі", "ij": "ĳ", "j": "ĵ", "k": "ķ", "l": "ĺļľŀł", "n": "ñńņňŉ", "o": "òóôõōŏǒőơøǿº", "oe": "öœ",
    "r": "ŕŗř", "s": "śŝşșšſ", "ss": "ß", "t": "ţțťŧ", "th": "þ", "u": "ùúûũūŭůűųưǔǖǘǚǜ", "ue": "ü", "w": "ŵ",
    "y": "ýÿŷ", "ye": "є", "yi": "ї", "z": "źżž",
}  # fmt: skip
_ASCII = str.maketrans({letter: plain for plain, letters in _TRANSLITERATION.items() for letter in letters})
_KEPT = frozenset(("Ll", "Lm", "Lo", "Lt", "Lu", "Nd"))
_SPACES = frozenset("\t\n\v\f\r\x85\u180e")


def underscore(name: str) -> str:
    """`fooBar` as `foo_bar`, `APIKey` as `a_p_i_key`."""
    return _lower(re.sub(r"(?<=[A-Za-z0-9_])([A-Z])", r"_\1", name))


def _lower(text: str) -> str:
    # PHP 8.2 knows no final sigma.
    return text.replace("Σ", "σ").lower()


def humanize(name: str) -> str:
    """`api_key` as `Api Key`."""
    return " ".join(word[:1].upper() + word[1:] for word in name.replace("_", " ").split(" "))


def slug(name: str) -> str:
    """The name with everything that is neither letter nor digit as single underscores, none at the ends."""
    plain = "".join(_slug_character(char) for char in name.translate(_ASCII))
    return re.sub("_+", "_", plain).strip("_")


def _slug_character(char: str) -> str:
    return char if unicodedata.category(char) in _KEPT else "_"


def variable(name: str) -> str:
    """`Slack Bot Token` as `slackBotToken`.

    CakePHP swaps bytes here, so that a name which does not begin with an ASCII letter can end up broken: bytes that are
    no UTF-8 come back as lone surrogates (`surrogateescape`).
    """
    camel = humanize(underscore(name)).replace(" ", "").encode("utf-8", "surrogatepass")
    first = camel[:1].lower()
    return re.sub(rb"[A-Za-z0-9_]", lambda _: first, camel, count=1).decode("utf-8", "surrogateescape")


def module_id(name: str) -> str:
    """The id of a misp-module's node, from the module's name."""
    return underscore(name)


@lru_cache(4_096)  # every module has the same few, and they are asked for with each run
def param_id(name: str) -> str:
    """The key under which a parameter travels, from its name in `moduleconfig`."""
    return slug(underscore(name))


def param(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    """The parameter as MISP's editor has it: id, label, placeholder, type, and what makes it special.

    `definition` is the module's own: {"type": "string" | "large_string" | "hash_path", "value"?, "jinja_supported"?}.
    """
    kind = definition.get("type")
    made = {
        "id": param_id(name),
        "label": humanize(name),
        "placeholder": "" if definition.get("value") is None else definition["value"],
        "type": "textarea" if kind == "large_string" else "input",
    }
    if kind == "hash_path":
        made["_isHashPath"] = True
    if definition.get("jinja_supported") is not None:
        made["jinja_supported"] = php.truthy(definition["jinja_supported"])
    return made
