"""Add a sighting to each selected attribute in MISP."""

from misp_workflow.action import expose, fields, writeback

moduleinfo = {
    "version": "1.0",
    "name": "MISP sighting",
    "description": "Adds a sighting, a false positive or an expiration to each selected attribute.",
    "module-type": ["action"],
    "features": "The same sighting of the same attribute is not repeated within ten minutes. Nothing selected means no "
    "sighting, unless selected_or_all is 'all'. Needs [misp] in the settings.",
    "references": ["https://www.circl.lu/doc/misp/sightings/"],
}

KINDS = {"sighting": "0", "false positive": "1", "expiration": "2"}  # https://www.circl.lu/doc/misp/sightings/

moduleconfig = {
    "params": {
        "sighting_type": {
            "formerly": ["kind"],
            "description": "sighting, false positive or expiration",
            "format": "choice",
            "choices": list(KINDS),
            "default": "sighting",
        },
        "sighting_source": {
            "formerly": ["source"],
            "description": "Who saw it, as MISP shows it",
            "default": "MISP workflow",
        },
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "leaves_home": False,
}


def decide(call):
    """Return one sighting per attribute."""
    items = writeback.attributes(call)
    if not items:
        return writeback.nothing(call)
    return writeback.change(
        call, "sighting", items, type=KINDS[call.params.sighting_type], source=call.params.sighting_source
    )


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
