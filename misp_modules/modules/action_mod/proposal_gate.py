"""Stop a proposal that does not meet the house's rules (shadow-attribute-before-save)."""

from misp_workflow.action import Block, Pass, expose, rules

moduleinfo = {
    "version": "1.0",
    "name": "Proposal gate",
    "description": "Blocks a proposal of a forbidden type or value, from another organisation, or without a reason.",
    "module-type": ["action"],
    "features": "For shadow-attribute-before-save. Rules look at what is proposed and at the tags of its event: "
    "nothing selected changes nothing.",
    "references": ["https://www.circl.lu/doc/misp/using-the-system/#propose-a-change-to-an-event"],
}

moduleconfig = {
    "params": {**rules.PROPOSAL},
    "blocking": True,
    "support_filters": True,
    "expect_misp_core_format": False,
}


def decide(call):
    """Return the verdict on the proposal."""
    if call.view.kind != "proposal":
        return Block(("This node judges proposals; MISP sent none here, so nothing can be checked.",))
    reasons, notes = rules.decide(call)
    return Block((f"Not proposed: {'; '.join(reasons)}.",)) if reasons else Pass(notes=notes)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
