"""The workflow and its graph, as stored by the editor of MISP."""
