"""Run a program of your own with the selected data."""

from misp_workflow.action import Command, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "Script run",
    "description": "Runs a program of your own with the selected data as JSON on its standard input.",
    "module-type": ["action"],
    "features": "Which program, with which arguments, as which user and within which bounds stands in [scripts] of the "
    "settings; a node names it, and nothing of an event reaches a command line. Exit status 0 is success, 75 tries "
    "again later, any other is a failure that says the first line which the program wrote; docs/scripts.md. Nothing "
    "selected: the summary alone, unless selected_or_all is 'all'.",
    "references": ["https://www.man7.org/linux/man-pages/man3/sysexits.h.3head.html"],
}

moduleconfig = {
    "params": {
        "script": {"description": "Name of a script in the settings: [scripts.NAME]", "required": True},
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "group": "tell",
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "the program's own matter",
    "withdraws": "the program's own matter",
}


def decide(call):
    """Return the run of the program."""
    name = call.params.script
    return Command(script=name, input=call.as_json(), service=f"the script {name}")


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
