"""Ask hashlookup which of the selected hashes belong to known files, and take them out of detection in MISP."""

import re

from misp_workflow.action import expose, fields, text, writeback

moduleinfo = {
    "version": "1.0",
    "name": "Hashlookup check",
    "description": "Known files: removes the detection flag from their hashes and tags them.",
    "module-type": ["action"],
    "features": "CIRCL's hashlookup, or a server of your own with its API, is asked in bulk (sha256 one by one). A "
    "file counts as known from minimum_trust on, and never when hashlookup calls it malicious. PAP and the "
    "destination's clearance keep back what may not be asked. Nothing selected means nothing is asked, unless "
    "selected_or_all is 'all'. Needs [misp] in the settings.",
    "references": ["https://www.circl.lu/services/hashlookup/"],
}

moduleconfig = {
    "params": {
        "hashlookup_server": {
            "formerly": ["server"],
            "description": "Address of the hashlookup server",
            "format": "url",
            "default": "https://hashlookup.circl.lu",
        },
        "minimum_trust": {
            "description": "Trust from which a file counts as known: 0 to 100, 50 is no opinion",
            "format": "integer",
            "minimum": 0,
            "maximum": 100,
            "default": 50,
        },
        "remove_to_ids": {
            "description": "true: known files are not for detection any more",
            "format": "boolean",
            "default": True,
        },
        "tag_to_add": {
            "formerly": ["tag"],
            "description": "Tag for known files",
            "default": 'misp-workflow:analysis="known-file-hash"',
        },
        **writeback.LOCAL,
        **writeback.PAP,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "group": "ask",
    "support_filters": True,
    "expect_misp_core_format": False,
    "leaves_home": True,
}

HASHES = {"md5": 32, "sha1": 40, "sha256": 64}  # https://hashlookup.circl.lu/swagger.json


def decide(call):
    """Return the change of those files that turn out to be known."""
    params, found = call.params, [row | {"hash": it} for row in writeback.attributes(call) if (it := hash_of(row))]
    items, kept_back = writeback.may_be_asked(found, call)
    if not items:
        return call.skip("PAP lets no hash of this be asked about" if kept_back else "no file hash was selected")
    values = {
        "server": params.hashlookup_server.rstrip("/"),
        "minimum_trust": params.minimum_trust,
        "add": [params.tag_to_add],
    }
    flags = {"to_ids": False} if params.remove_to_ids else {}
    return writeback.change(call, "known_files", items, **values, local=params.local_tags, set=flags)


def hash_of(row):
    """Return "md5:…" for an attribute that holds a hash that hashlookup knows, or ""."""
    kind, value = text(row.get("type")).rpartition("|")[2], text(row.get("value")).rpartition("|")[2].strip()
    fits = kind in HASHES and len(value) == HASHES[kind] and re.fullmatch("[0-9a-fA-F]+", value)
    return f"{kind}:{value}" if fits else ""


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
