"""Stop a proposal that does not meet the house's rules (shadow-attribute-before-save)."""

from misp_workflow.action import Block, Pass, expose, flag, rules

moduleinfo = {
    "version": "1.1",
    "name": "Proposal gate",
    "description": "Blocks a proposal of a forbidden type or value, from another organisation, or without a reason.",
    "module-type": ["action"],
    "features": "For shadow-attribute-before-save. Rules look at what is proposed and at the tags of its event: "
    "nothing selected changes nothing. A proposal to delete an attribute passes, and so does the discarding of one, "
    "which MISP saves as well: with judge_deletions they are judged like others.",
    "references": ["https://www.circl.lu/doc/misp/using-the-system/#propose-a-change-to-an-event"],
}

moduleconfig = {
    "params": {
        **rules.PROPOSAL,
        "judge_deletions": {
            "description": "true: proposals to delete, and the discarding of proposals, are judged, too",
            "format": "boolean",
            "default": False,
        },
    },
    "blocking": True,
    "triggers": ["shadow-attribute-before-save"],
    "support_filters": True,
    "expect_misp_core_format": False,
}


def decide(call):
    """Return the verdict on the proposal."""
    proposed = rules.proposals(call.judged)
    if not proposed and call.judged.kind != "attribute":
        return Block(("This node judges proposals, and MISP sent none here, so nothing can be checked.",))
    if all(map(goes, proposed)) and not call.params.judge_deletions:
        told = "Nothing is proposed that would be there afterwards: deletions are not judged."
        return Pass(notes=(told,), judged=False)
    reasons, notes = rules.decide(call)
    return Block((f"Not proposed: {'; '.join(reasons)}.",)) if reasons else Pass(notes=notes)


def goes(row):
    """Return whether a proposal is to delete its attribute, or is discarded; MISP may send an attribute alone then."""
    return flag(row.get("proposal_to_delete")) or flag(row.get("deleted"))


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
