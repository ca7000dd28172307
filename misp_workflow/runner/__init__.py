"""MISP's workflow engine. Mirrors what stands around MISP's model Workflow, in PHP there, in Python here.

Five storeys, each of which knows those below it only:

    said      what is said of a run or a workflow: report, findings, what happens when modules fail
    walk      the walk through the graph, and the records that it leaves
    modules   the nodes: logic, MISP's own actions, Python modules and the server that they are asked of
    graph     the workflow and its graph, as stored by MISP's editor
    data      the data in hand: core format, rows, filters, conditions, JSON as PHP writes it

docs/fidelity.md lists what is mirrored and what is not.
"""
