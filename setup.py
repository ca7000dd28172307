"""Package list; everything else stands in pyproject.toml."""

from setuptools import find_namespace_packages, find_packages, setup

# The action modules go into the folder of an installed misp-modules. None of the three levels has an __init__.py:
# they belong to upstream, and uninstalling this pack must leave upstream whole.
setup(
    packages=find_packages(include=["misp_workflow*"])
    + find_namespace_packages(include=["misp_modules.modules.action_mod"])
    + ["misp_workflow.examples"],
    # `misp-workflow install` needs the example workflows where there is no checkout.
    package_dir={"misp_workflow.examples": "examples/workflows"},
)
