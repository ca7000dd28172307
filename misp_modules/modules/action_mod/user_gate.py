"""Stop a user from being saved who does not meet the house's rules (user-before-save)."""

from misp_workflow.action import Block, Pass, expose, rules, text

moduleinfo = {
    "version": "1.0",
    "name": "User gate",
    "description": "Blocks a user of another mail domain, without a PGP key, or in a role or organisation not allowed.",
    "module-type": ["action"],
    "features": "For user-before-save. Roles and organisations are numbers, as MISP sends them here. Nothing selected "
    "changes nothing; passwords and keys in the data are never looked at.",
    "references": ["https://www.circl.lu/doc/misp/administration/"],
}

moduleconfig = {
    "params": {
        "allowed_domains": {
            "type": "large_string",
            "description": "Mail domains of users, one per line, subdomains included; empty: any",
            "format": "list",
        },
        "pgp_key_required": {"description": "true: no user without a PGP key", "format": "boolean", "default": False},
        "allowed_roles": {"description": "Ids of roles that users may have; empty: any", "format": "list"},
        "allowed_organisations": {
            "description": "Ids of organisations that users may belong to; empty: any",
            "format": "list",
        },
        "condition": {"type": "large_string", "description": "Jinja expression that must be true", "template": True},
    },
    "blocking": True,
    "support_filters": True,
    "expect_misp_core_format": False,
}


def decide(call):
    """Return the verdict on the user."""
    if call.view.kind != "user":
        return Block(("This node judges users; MISP sent none here, so nothing can be checked.",))
    reasons = list(reasons_of(call.params, call.data))
    if call.params.condition and not call.holds("condition"):
        reasons.append("the condition is not true of this user")
    return Block((f"User not saved: {'; '.join(reasons)}.",)) if reasons else Pass()


def reasons_of(params, user):
    """Yield every reason to stop the user; what MISP did not send cannot be judged, and stops too."""
    email, role, organisation = (text(user.get(name)) for name in ("email", "role_id", "org_id"))
    if params.allowed_domains and not rules.in_domains(email, params.allowed_domains):
        yield f"the mail domain of '{email}' is not allowed"
    if params.pgp_key_required and not text(user.get("gpgkey")).strip():
        yield "there is no PGP key"
    if params.allowed_roles and role not in params.allowed_roles:
        yield f"the role {role or 'unknown'} is not allowed"
    if params.allowed_organisations and organisation not in params.allowed_organisations:
        yield f"the organisation {organisation or 'unknown'} is not allowed"


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
