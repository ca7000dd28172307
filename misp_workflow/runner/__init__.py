"""MISP's workflow engine. Mirrors what stands around MISP's model Workflow, in PHP there, in Python here.

docs/fidelity.md lists what is mirrored and what is not.
"""
