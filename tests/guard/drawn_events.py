"""Events drawn by chance, small and hostile: copies that differ, values in texts, names of what is withheld anywhere."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

VALUES = (
    *("evil.example.org", "EVIL.example.ORG", "evil(dot)example.org", "ｅｖｉｌ．example。org", "fine.example.org"),
    *(
        "evil.example.org|443",
        "https://evil.example.org/login",
        "hxxp://evil[.]example[.]org/x",
        "boss@evil.example.org",
    ),
    *("host-1.example.org", "host-2.example.org", "login", "80", "1", "x", "", "------", "a|b"),
    *("evil one", "The Moon is Blue!", "the moon is blue", "evil one\u0301", "<\u0338evil one", "a longword\u0301"),
    *("a longword", "ʼn longword", "ŉ longword", "straße one", "STRASSE ONE", "dropper.exe|d41d8cd98f00b204"),
    *("d41d8cd98f00b204", "foo " * 70 + "end", "foo " * 70 + "other", "ab cd " + "e" * 300),
)
NUMBERS = (*("1", "2", "3", 1, 2, True, 1.0) * 3, "0", 0, None, "None", "9", "u1", [], {"a": "1"})
UUIDS = ("u1", "u2", "u3", "u4", None, "", "1")
NAMES = ("tlp:green", "tlp:red", "TLP: Red", "PAP:RED", "tlp:amber", "secret:x", "misp:tool=1", "tlp:clear")
ODD_TAGS = ("tlp:red", {"0": {"name": "tlp:red"}}, {"name": "tlp:red"}, [{"Tag": {"name": "tlp:red"}}], "", 0, [["x"]])
BELOW = (
    *("Sighting", "ShadowAttribute", "Attribute", "Galaxy", "Note", "ObjectReference", "EventReport", "GalaxyCluster"),
    *("deep", "meta", "RelatedEvent", "authors"),
)
REFERENCES = ("object_id", "attribute_id", "old_id", "object_uuid", "referenced_uuid", "attribute_uuid")


class Drawn:
    """Draws data and a selection; the same numbers make the same ones."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._one = random.choice

    def _is(self, share: float) -> bool:
        return self._random.random() < share

    def _few(self, most: int) -> range:
        return range(self._random.randint(0, most))

    def text(self) -> str:
        around = (
            self._one(("", "about ", "(", "see: ", "x")),
            self._one(("", " and more", ").", ":", " ", "y", "\u0301")),
        )
        return around[0] + self._one(VALUES) + around[1]

    def tags(self) -> Any:
        if self._is(0.03):
            return self._one(ODD_TAGS)
        said = [{"name": self._one(NAMES)} for _ in self._few(2)]
        return [{**tag, **self._one(({}, {}, {"local": False}, {"local": "0"}, {"inherited": 1}))} for tag in said]

    def row(self, depth: int = 0) -> dict[str, Any]:
        number = str(self._random.randint(0, 30))
        everything = {
            "uuid": self._one((*UUIDS, *[f"w{number}"] * 6)),
            "id": self._one((*NUMBERS, *[number] * 14)),
            "value": self._one((*VALUES, self.text(), self.text(), 5, None, ["evil one"])),
            "type": self._one(("text", "comment", "url", "domain")),
        }
        made = {name: value for name, value in everything.items() if self._is(0.9)}
        more = {"Tag": self.tags, "_allTags": self.tags, "comment": self.text, "name": self.text}
        made |= {name: draw() for name, draw in more.items() if self._is(0.25)}
        if self._is(0.15):
            made[self._one(REFERENCES)] = self._one((*NUMBERS, *UUIDS))
        if depth and self._is(0.3):
            made[self._one(BELOW)] = self._below(depth - 1)
        return made

    def _below(self, depth: int) -> Any:
        shapes = (
            lambda: [self.row(depth) for _ in self._few(2)],
            lambda: self.row(depth),
            lambda: [self.text(), self.row(depth)],
            lambda: [self.text()],
            lambda: {"refs": [self.text()], "x": self.text(), "authors": [self.text(), self.text()]},
            lambda: [[self.row(depth)]],
        )
        return self._one(shapes)()

    def data(self) -> dict[str, Any]:
        rows = [self.row(2) for _ in self._few(8)]
        objects = [
            {**self.row(), "meta-category": "file", "Attribute": [self.row(1) for _ in self._few(2)]}
            for _ in self._few(3)
        ]
        event: dict[str, Any] = {
            "info": self.text(),
            "id": self._one(("57", "1")),
            "Tag": [{"name": self._one(("tlp:green", "tlp:clear", "tlp:amber"))}],
            "Attribute": rows if self._is(0.95) else {str(2 * place): row for place, row in enumerate(rows)},
            "Object": objects,
        }
        if self._is(0.8):
            event["_AttributeFlattened"] = self._copies([*rows, *[row for one in objects for row in one["Attribute"]]])
        more: dict[str, Any] = {
            "EventReport": [{"name": self.text(), "content": self.text(), "Tag": self.tags()}],
            "RelatedEvent": [{"Event": {"info": self.text(), "uuid": self._one(UUIDS), "Tag": self.tags()}}],
            "Galaxy": [{"name": self.text(), "GalaxyCluster": [{"value": self.text(), "meta": {"x": [self.text()]}}]}],
            "Sighting": [{"attribute_id": self._one(NUMBERS)}],
            "object_id": self._one(NUMBERS),
        }
        event |= {name: value for name, value in more.items() if self._is(0.2)}
        beside = {"Tag": self.tags(), "template_uuid": "x", "Attribute": [self.row()]}
        return {"Event": event, **{name: value for name, value in beside.items() if self._is(0.04)}}

    def _copies(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return them as MISP repeats them, most often."""
        copies = copy.deepcopy(rows)
        if copies and self._is(0.3):
            copies[self._random.randrange(len(copies))] = self.row(1)
        if self._is(0.2):
            self._random.shuffle(copies)
        for row in copies if self._is(0.3) else ():
            if row.get("id") == 1:  # Python takes all of these for equal
                row["id"] = self._one((True, 1, 1.0))
        return copies

    def selection(self, data: dict[str, Any]) -> Any:
        """Return what the node's filter chose: most often nothing."""
        flat = data["Event"].get("_AttributeFlattened") or []
        shapes = (
            lambda: copy.deepcopy(flat[:3]),
            lambda: [self.row(1) for _ in self._few(4)],
            lambda: ["evil one", "x"],
            lambda: {"0": self.row(1)},
        )
        return self._one((*[lambda: None] * 8, *shapes))()
