"""The stand-in's tags: made, found with LIKE, attached to events and attributes, taken off."""

from __future__ import annotations

import json
from typing import Any

from misp_workflow.testing.misp.answers import is_uuid, no, not_saved, route, yes
from misp_workflow.testing.misp.memory import LONGEST_TAG, Memory
from misp_workflow.testing.misp.rows import Row, full_tag, searched_tag
from misp_workflow.testing.receiver import Answer, answer

NOT_OURS = (
    "Cannot alter the tags of this data, only the organisation that has created the data (orgc) can modify global tags."
)


class Tags(Memory):
    """What MISP answers about tags. `bulk_local`: whether the bulk call takes `local:1` in its address."""

    bulk_local = True

    @route("POST", "/tags/add")
    def _tag_add(self, path: str, body: Any) -> Answer:
        if not body["name"]:
            return no(405, "Could not add the Tag. [name]: This field is required.", path)
        colour = body.get("colour") or ""
        if colour and not colour.startswith("#"):
            return no(405, "Could not add the Tag. [colour]: Colour has to be in the RGB format (#FFFFFF)", path)
        return answer({"Tag": searched_tag(self._tag_named(body["name"], colour, bool(body.get("local_only"))))})

    @route("POST", "/tags/edit/([0-9]+)")
    def _tag_edit(self, path: str, body: Any, number: str) -> Answer:
        tag = self.known_tags.get(number)
        if tag is None:
            return no(404, "Invalid tag", path)
        tag.update({name: value for name, value in body.items() if name in tag})
        return answer({"Tag": searched_tag(tag)})

    @route("GET", "/tags/view/([0-9]+)")
    def _tag_view(self, path: str, body: Any, number: str) -> Answer:
        tag = self.known_tags.get(number)
        if tag is None:
            return no(405, "Invalid Tag", path)
        counts = (
            sum(one["id"] == number for row in rows for one in row["_tags"])
            for rows in (self.events.values(), self.attributes.values())
        )
        return answer({**searched_tag(tag), **dict(zip(("count", "attribute_count"), counts, strict=True))})

    @route("GET", "/tags/search/(?:.*)")
    def _tag_search_by_address(self, path: str, body: Any) -> Answer:
        return answer([])  # finds nothing, whatever the address says

    @route("POST", "/tags/search(/0/1)?")
    def _tag_search(self, path: str, body: Any, strict: str | None) -> Answer:
        wanted = body.get("tag") or body.get("name")
        patterns = [wanted] if isinstance(wanted, str) else wanted
        found = [tag for pattern in patterns for tag in self._tags_like(pattern) if not pattern.isdigit()]
        exact = [tag for tag in found if tag["name"] in (pattern.rstrip() for pattern in patterns)]
        return answer([{"Tag": searched_tag(tag)} for tag in (exact if strict else found)])

    @route("POST", "/tags/attachTagToObject(?:/([^/]+)/([^/]+)/([01]))?")
    def _tag(self, path: str, body: Any, *in_address: Any) -> Answer:
        uuid, name, local = in_address if in_address[0] else (body["uuid"], body["tag"], body["local"])
        path = "/tags/attachTagToObject"
        if not is_uuid(uuid):
            return no(500, "An Internal Error Has Occurred.", path)
        kind, target = self._target(uuid)
        if target is None:
            return no(404, "Invalid Target.", path)
        if not name:
            return no(405, "Invalid tag", path)
        local = str(local) not in ("0", "False")
        if not (local or self._may_change(target)):
            return no(403, NOT_OURS, path)
        return self._attach_all(kind, target, name if isinstance(name, list) else [name], local, path)

    def _attach_all(self, kind: str, target: Row, names: list[Any], local: bool, path: str) -> Answer:
        message = ""
        for name in names:
            tag, why = self._tag_to_attach(str(name), local)
            if why:
                reasons = json.dumps({"0": why}, separators=(",", ":"))
                failed = f"Failed to attach 1 tags. Reasons: {reasons}"
                return not_saved("attachTagToObject Tag", path, failed)
            if any(one["id"] == tag["id"] for one in target["_tags"]):
                self.repeats += 1
                message = f"{kind} already has the requested tag attached, no changes had to be made for tag "
                message += f"{tag['name']}."
                continue
            self._attach(target, tag, local)
            where = f"successfully attached to {kind}({target['id']})."
            message = f"{'Local' if local else 'Global'} tag {tag['name']}({tag['id']}) {where}"
        if len(names) > 1:
            message = f"Successfully attached {len(names)} tags to {kind} ({target['id']})"
        return yes(message, path)

    def _tag_to_attach(self, name: str, local: bool) -> tuple[Row, str]:
        """Return the tag that MISP takes for this name or id, or why it attaches none."""
        tag = self.known_tags.get(name) if name.isdigit() else next(self._tags_like(name[:LONGEST_TAG]), None)
        if local and self._asking != "1":
            return {}, "Local tags can only be added by users of the host organisation."
        if tag is None and name.isdigit():
            return {}, "Invalid Tag."
        if tag is None and self._asking != "1":
            return {}, "Tag not found and insufficient privileges to create it."
        if tag is not None and tag["local_only"] and not local:
            return {}, "Invalid Tag. This tag can only be set as a local tag."
        return tag or self._tag_named(name), ""

    @route("POST", "/tags/removeTagFromObject")
    def _untag(self, path: str, body: Any) -> Answer:
        kind, target = self._target(body["uuid"])
        if target is None:
            return no(404, "Invalid Target.", path)
        name = str(body["tag"])
        wanted = self.known_tags.get(name) if name.isdigit() else next(self._tags_like(name), None)
        if wanted is None:
            return no(405, "Invalid Tag.", path)
        for tag in target["_tags"]:
            if tag["id"] == wanted["id"]:
                target["_tags"].remove(tag)
                if not tag["local"]:
                    self._saved(target)
                what = f"{'Local' if tag['local'] else 'Global'} tag {tag['name']} ({tag['id']})"
                return yes(f"{what} successfully removed from {kind}({target['id']}).", path)
        return no(404, f"Could not remove tag as it is not attached to the target {kind}", path)

    @route("POST", "/attributes/addTag/selected(/local:1)?")
    def _tag_selected(self, path: str, body: Any, in_address: str | None) -> Answer:
        """`local` in the body is ignored. A name is compared exactly, and a tag that is not there is not made."""
        local = bool(in_address) and self.bulk_local
        name, failed, done = str(body["tag"]), 0, 0
        tags = [row for row in self.known_tags.values() if name in (row["id"], row["name"])]
        if not tags and not name.isdigit():
            return answer({"saved": False, "errors": "Invalid Tag."})
        targets = [self._find_attribute(str(number)) for number in json.loads(body["attribute_ids"])]
        for target in targets:
            if target is None:
                return no(404, "Invalid attribute", path)
            has = any(one["name"] in (tag["name"] for tag in tags) for one in target["_tags"])
            self.repeats += has
            if (
                has
                or not tags
                or not (local or self._may_change(target))
                or self._excluded(target, tags[0]["name"], local)
            ):
                failed += 1
            else:
                self._attach(target, tags[0], local)
                done += 1
        added = f"{done} tags were added." if done > 1 else "1 tag was added."
        if failed:
            told = f"{failed} tags could not be added." if failed > 1 else "Tag could not be added."
            return answer({"saved": False, "errors": f"{told} However, {added}" if done else told})
        return answer(
            {"saved": True, "success": f"{done} tags added" if done > 1 else "Tag added.", "check_publish": True}
        )

    # --- what the answers hold of a tag ------------------------------------------------------------------------------

    @staticmethod
    def _tags_shown(row: Row) -> list[Row]:
        return [{**full_tag(tag), "local": tag["local"], "relationship_type": None} for tag in row["_tags"]]
