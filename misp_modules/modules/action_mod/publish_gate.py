"""Stop the publication of an event that does not meet the house's rules."""

from misp_workflow.action import Block, Pass, expose, fields, rules, writeback

moduleinfo = {
    "version": "1.0",
    "name": "Publish gate",
    "description": "Blocks an event that misses a required tag, carries a forbidden one, or breaks another rule.",
    "module-type": ["action"],
    "features": "Every reason is given at once. Rules look at the whole event: nothing selected changes nothing. "
    "MISP takes silence for a yes: give approval_tag, and put the fail-closed path of docs/gates.md behind this node.",
    "references": ["https://www.misp-project.org/taxonomies.html"],
}

moduleconfig = {
    "params": {
        **rules.EVENT,
        **rules.RULES,
        "approval_tag": {"description": "Local tag that is left on the event in MISP when it passes; needs [misp]"},
        **fields.MISP,
    },
    "blocking": True,
    "triggers": ["event-publish"],
    "support_filters": True,
    "expect_misp_core_format": True,
}


def decide(call):
    """Return the verdict on the event, with every reason to stop it."""
    if call.judged.kind != "event":
        return Block(("This node judges whole events, and MISP sent no event here, so nothing can be checked.",))
    reasons, notes = rules.decide(call)
    if reasons:
        return Block((f"Not published: {'; '.join(reasons)}.",))
    if not call.params.approval_tag:
        return Pass(notes=notes)
    approve, take_back = writeback.approval(call, call.params.approval_tag)
    return Pass(effects=(approve,), undo=(take_back,), notes=notes)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
