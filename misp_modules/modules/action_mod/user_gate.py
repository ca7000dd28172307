"""Stop a user from being saved who does not meet the house's rules (user-before-save)."""

from misp_workflow.action import Block, Pass, expose, flag, number, rules, text

moduleinfo = {
    "version": "1.1",
    "name": "User gate",
    "description": "Blocks a user of another mail domain, without a PGP key, or in a role or organisation not allowed.",
    "module-type": ["action"],
    "features": "For user-before-save, which also fires when somebody changes a password, logs in or is disabled. "
    "Judged are new users; with edits true also changes of those that are there, by what MISP sends of them. Disabling "
    "a user always passes. Roles and organisations are numbers, as MISP sends them here. Nothing selected changes "
    "nothing; passwords and keys in the data are never looked at.",
    "references": ["https://www.circl.lu/doc/misp/administration/"],
}

moduleconfig = {
    "params": {
        "allowed_domains": {
            "type": "large_string",
            "description": "Mail domains of users, one per line, subdomains included; empty: any",
            "format": "list",
            "each": "domain",
            "rule": True,
        },
        "pgp_key_required": {
            "description": "true: no user without a PGP key",
            "format": "boolean",
            "default": False,
            "rule": True,
        },
        "allowed_roles": {
            "description": "Ids of roles that users may have; empty: any",
            "format": "list",
            "each": "word",
            "rule": True,
        },
        "allowed_organisations": {
            "description": "Ids of organisations that users may belong to; empty: any",
            "format": "list",
            "each": "word",
            "rule": True,
        },
        "condition": {
            "type": "large_string",
            "description": "Jinja expression that must be true",
            "template": True,
            "rule": True,
        },
        "edits": {
            "description": "true: changes of users that are there are judged, too; false: new users only",
            "format": "boolean",
            "default": False,
        },
    },
    "blocking": True,
    "triggers": ["user-before-save"],
    "support_filters": True,
    "expect_misp_core_format": False,
}


def decide(call):
    """Return the verdict on the user; MISP gives a user that is there an id, a new one none."""
    user, params = call.data, call.params
    if call.view.kind != "user":
        return Block(("This node judges users, and MISP sent none here, so nothing can be checked.",))
    there = number(user.get("id")) > 0
    if there and flag(user.get("disabled")):
        return Pass(notes=("The user is disabled, which every rule allows.",), judged=False)
    if there and not params.edits:
        return Pass(notes=("This user is there already; only new users are judged (edits).",), judged=False)
    reasons = list(reasons_of(params, user, user.keys() if there else None))
    if params.condition and not call.holds("condition"):
        reasons.append("the condition is not true of this user")
    return Block((f"User not saved: {'; '.join(reasons)}.",)) if reasons else Pass()


def reasons_of(params, user, sent):
    """Yield every reason to stop the user: what a new one lacks, too; of a change only what is in it (`sent`)."""
    email, role, organisation = (text(user.get(name)) for name in ("email", "role_id", "org_id"))

    def judged(name):
        return sent is None or name in sent

    if params.allowed_domains and judged("email") and not rules.in_domains(email, params.allowed_domains):
        yield f"the mail domain of '{email}' is not allowed"
    if params.pgp_key_required and judged("gpgkey") and not text(user.get("gpgkey")).strip():
        yield "there is no PGP key"
    if params.allowed_roles and judged("role_id") and role not in params.allowed_roles:
        yield f"the role {role or 'unknown'} is not allowed"
    if params.allowed_organisations and judged("org_id") and organisation not in params.allowed_organisations:
        yield f"the organisation {organisation or 'unknown'} is not allowed"


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
