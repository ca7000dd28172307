"""MISP's workflow engine: what stands in MISP around the model Workflow, in PHP, here in Python, with nothing to install.

docs/fidelity.md lists what is mirrored and what is not.
"""
