"""Stop an event from being saved that does not meet the house's rules (event-before-save)."""

from misp_workflow.action import Block, Pass, expose, rules

moduleinfo = {
    "version": "1.0",
    "name": "Event gate",
    "description": "Blocks the saving of an event that breaks a rule about its distribution, content or values.",
    "module-type": ["action"],
    "features": "For event-before-save. MISP sends what was typed: of tags their numbers only, and on an edit only "
    "what is edited; a rule that cannot be judged on that blocks, and says so. Nothing selected changes nothing.",
    "references": ["https://www.misp-project.org/taxonomies.html"],
}

moduleconfig = {
    "params": {**rules.EVENT, **rules.RULES},
    "blocking": True,
    "support_filters": True,
    "expect_misp_core_format": False,
}


def decide(call):
    """Return the verdict on the event that is about to be saved."""
    if not any(key in call.view.event for key in ("info", "uuid", "Attribute", "Object")):
        return Block(("This node judges events; MISP sent no event here, so nothing can be checked.",))
    reasons, notes = rules.decide(call)
    return Block((f"Not saved: {'; '.join(reasons)}.",)) if reasons else Pass(notes=notes)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
