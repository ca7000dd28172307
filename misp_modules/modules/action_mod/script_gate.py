"""Let a program of your own say whether a workflow goes on."""

from misp_workflow.action import Block, Command, Pass, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "Script gate",
    "description": "Blocks what a program of your own says no to: exit status 0 passes, any other blocks.",
    "module-type": ["action"],
    "features": "The program gets all the data as JSON on its standard input, and its first line is the reason that "
    "MISP shows. It is set up as for script_run (docs/scripts.md), and what is not judged in time does not pass. The "
    "clearance of the destination holds: what the program may not see in whole does not pass either. A backtest and a "
    "dry run only look whether it could be started.",
    "references": ["https://www.man7.org/linux/man-pages/man3/sysexits.h.3head.html"],
}

moduleconfig = {
    "params": {
        "script": {
            "description": "Name of a script in the settings: [scripts.NAME]",
            "required": True,
            "rule": True,
        },
        **fields.DESTINATION,
    },
    "blocking": True,
    "leaves_home": True,
    "support_filters": True,
    "expect_misp_core_format": False,
}


def decide(call):
    """Return a yes that depends on the program's."""
    name = call.params.script
    if call.withheld:
        return Block((f"Not passed: the script {name} may not see all of it ({call.withheld.rstrip('.')}).",))
    whole = {**call.as_json(), "data": call.data}
    asked = Command(script=name, input=whole, keep=False, service=f"the script {name}")
    return Pass(effects=(asked,), notes=(f"The script {name} said yes.",))


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
