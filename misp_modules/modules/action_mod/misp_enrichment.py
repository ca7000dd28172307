"""Ask an expansion of misp-modules about the selected attributes, and add what it says in MISP."""

from misp_workflow.action import ParameterError, expose, fields, writeback

moduleinfo = {
    "version": "1.0",
    "name": "MISP enrichment",
    "description": "Asks an expansion module about the selected attributes and adds the results to the event.",
    "module-type": ["action"],
    "features": "Results become attributes and objects without the detection flag, or proposals (of objects, what is "
    "for detection). What an enrichment added is not asked about again. PAP and the destination's clearance keep "
    "back what may not be asked. Nothing selected means nothing is asked, unless selected_or_all is 'all'. Needs "
    "[misp] in the settings, and modules_url where misp-modules is not on this machine's port 6666.",
    "references": ["https://misp.github.io/misp-modules/"],
}

moduleconfig = {
    "params": {
        "enrichment_module": {
            "formerly": ["module"],
            "description": "Name of the expansion module (dns, circl_passivedns, …)",
            "required": True,
        },
        "module_config": {
            "type": "large_string",
            "description": "The module's own settings, one 'name: value' per line",
            "secret": True,
        },
        "add_as": {
            "description": "proposals, for somebody to accept; or attributes, with objects",
            "format": "choice",
            "choices": ["proposals", "attributes"],
            "default": "proposals",
        },
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


def decide(call):
    """Return the question about those items that may be asked about."""
    items, kept_back = writeback.may_be_asked(writeback.attributes(call), call)
    if not items:
        return call.skip("PAP lets nothing of this be asked about") if kept_back else writeback.nothing(call)
    settings = {
        "module": call.params.enrichment_module,
        "config": config(call.params.module_config),
        "as": call.params.add_as,
    }
    return writeback.change(call, "enrich", items, **settings)


def config(lines):
    """Return the module's own settings as an object."""
    pairs = [line.partition(":") for line in lines.splitlines() if line.strip()]
    if not all(colon for _, colon, _ in pairs):
        raise ParameterError("Parameter 'module_config': each line must read 'name: value'.")
    return {name.strip(): value.strip() for name, _, value in pairs}


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
