"""MISP's debug mode: its posts read, gathered into runs, shown as they go, and made by the local runner, too.

MISP posts JSON to the address of its setting `Plugin.Workflow_debug_url`, for each workflow whose debug mode is on:

    /<trigger>/init?type=blocking            {"source", "timestamp", "data": {"original", "normalized"}}
    /<trigger>/exec/<module>?result=success  {"source": {"node_id", "parameters", …}, "data", "errors"}
    /<trigger>/end?outcome=success           {"data": {"blocking_nodes", "executed_nodes", "blocked_paths"}}
"""
