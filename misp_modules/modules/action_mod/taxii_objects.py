"""Add STIX objects to a TAXII 2.1 collection."""

import time

from misp_workflow.action import STANDING, Bulk, ParameterError, expose, fields, records, stix

moduleinfo = {
    "version": "1.0",
    "name": "TAXII objects",
    "description": "Adds STIX 2.1 objects to a TAXII 2.1 collection, and revokes what is withdrawn.",
    "module-type": ["action"],
    "features": "What the server says of each object counts, also when it says it later: its status is asked until "
    "nothing is pending. An object that it refuses because it is there already is looked for in the manifest. Never "
    "more goes in a request than the API root takes (max_content_length).",
    "references": ["https://docs.oasis-open.org/cti/taxii/v2.1/os/taxii-v2.1-os.html"],
    "requirements": ["misp-workflow-actions[stix]"],
}

moduleconfig = {
    "params": {
        "api_root": {"description": "Address of the API root", "required": True, "format": "url"},
        "collection": {"description": "Id or alias of the collection", "required": True},
        "token": {"description": "Bearer token; or a user and password", "secret": True},
        "username": {"description": "Name to log in with"},
        "password": {"description": "Password to log in with", "secret": True},
        "report": {
            "description": "true: a published event is a report, too, which refers to what its attributes are",
            "format": "boolean",
            "default": True,
        },
        **fields.TLS,
        **STANDING,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes",
    "withdraws": "yes, it is revoked",
}

AT_ONCE = 200  # attributes, each some five objects


def decide(call):
    """Return the requests that add and revoke this call's objects."""
    params = call.params
    if params.token and params.username:
        raise ParameterError("Parameters 'token' and 'username' are two ways in: set one of them.")
    carrier = Bulk(
        dialect="taxii",
        url=params.api_root.rstrip("/"),
        service="TAXII",
        bearer=params.token,
        basic=(params.username, params.password) if params.username else None,
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        options={"collection": params.collection},
        stix={"event": stix.head(call)},
        at=time.time(),
    )
    return records.carried(call, "collection", carrier, AT_ONCE, report=params.report)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
