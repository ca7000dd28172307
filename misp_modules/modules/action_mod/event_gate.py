"""Stop an event from being saved that does not meet the house's rules (event-before-save)."""

from misp_workflow.action import Block, Pass, expose, fields, rules, text

moduleinfo = {
    "version": "1.1",
    "name": "Event gate",
    "description": "Blocks the saving of an event that breaks a rule about its distribution, content or values.",
    "module-type": ["action"],
    "features": "For event-before-save, which also fires on every change of an event: an attribute, a tag, a "
    "publication. A new event is judged by all rules; of its tags MISP sends numbers only, and a rule about them says "
    "no. Of a change MISP sends no tags and no content, and stopping it keeps the attribute, but not the event's row: "
    "judged is what is there and changed (MISP is asked, with [misp] in the settings), the rest passes. Nothing "
    "selected changes nothing.",
    "references": ["https://www.misp-project.org/taxonomies.html"],
}

moduleconfig = {
    "params": {**rules.EVENT, **rules.RULES, **fields.MISP},
    "blocking": True,
    "triggers": ["event-before-save"],
    "support_filters": True,
    "expect_misp_core_format": False,
}

CHANGE = "The event is in MISP already: judged was only what MISP sends of a change, and what of it changed."


def decide(call):
    """Return the verdict on the event that is about to be saved; MISP gives one that is there an id, a new one none."""
    if not any(key in call.judged.event for key in ("info", "uuid", "Attribute", "Object")):
        return Block(("This node judges events, and MISP sent no event here, so nothing can be checked.",))
    is_there = text(call.judged.event.get("id")) not in ("", "0")
    is_change = is_there and "RelatedEvent" not in call.judged.event  # else it is all there, as on event-publish
    reasons, notes = rules.decide(call, is_change)
    if reasons:
        stopped = "Not let on" if is_there and not is_change else "Not saved"  # it is there: not published, say
        return Block((f"{stopped}: {'; '.join(reasons)}.",))
    return Pass(notes=(*notes, CHANGE) if is_change else notes)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
