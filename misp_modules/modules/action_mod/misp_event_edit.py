"""Change the event itself in MISP, publish or unpublish it."""

from misp_workflow.action import ParameterError, expose, fields, writeback

moduleinfo = {
    "version": "1.0",
    "name": "MISP event edit",
    "description": "Sets the event's distribution, threat level, analysis or title, and publishes or unpublishes it.",
    "module-type": ["action"],
    "features": "Looks first, and writes only what differs; an event that is published is not published again. It acts "
    "on the whole event: nothing selected changes nothing. Publishing goes through the workflow on event-publish, "
    "which may stop it. Needs [misp] in the settings.",
    "references": ["https://www.misp-project.org/openapi/"],
}

THREAT_LEVELS = {"high": "1", "medium": "2", "low": "3", "undefined": "4"}
ANALYSES = {"initial": "0", "ongoing": "1", "completed": "2"}

moduleconfig = {
    "params": {
        "distribution": {
            "description": "0 organisation, 1 community, 2 connected, 3 all, by number or word; empty: as it is",
            "format": "choice",
            "choices": ["0", "1", "2", "3"],
            "words": fields.DISTRIBUTION_WORDS,
        },
        "threat_level": {
            "description": "1 high, 2 medium, 3 low, 4 undefined, by number or word; empty: as it is",
            "format": "choice",
            "choices": list(THREAT_LEVELS),
            "words": fields.THREAT_LEVEL_WORDS,
        },
        "analysis": {
            "description": "0 initial, 1 ongoing, 2 completed, by number or word; empty: as it is",
            "format": "choice",
            "choices": list(ANALYSES),
            "words": fields.ANALYSIS_WORDS,
        },
        "event_info": {
            "formerly": ["info"],
            "description": "Title as a Jinja template; empty: as it is",
            "template": True,
        },
        "publish": {
            "description": "1 publish, 0 unpublish, by number or word; empty: as it is",
            "format": "choice",
            "choices": ["publish", "unpublish"],
            "words": fields.PUBLISH_WORDS,
        },
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "leaves_home": False,
}


def decide(call):
    """Return the change of the event."""
    params = call.params
    wanted = {
        "distribution": params.distribution,
        "threat_level_id": THREAT_LEVELS.get(params.threat_level, ""),
        "analysis": ANALYSES.get(params.analysis, ""),
        "info": call.line("event_info", "", "text") if params.event_info else "",
    }
    wanted = {name: value for name, value in wanted.items() if value}
    publish = {"publish": True, "unpublish": False}.get(params.publish)
    if not wanted and publish is None:
        raise ParameterError("Set at least one of distribution, threat_level, analysis, event_info, publish.")
    return writeback.change(call, "event", set=wanted, publish=publish)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
