"""Package list; everything else stands in pyproject.toml."""

from pathlib import Path

from setuptools import find_namespace_packages, find_packages, setup

# What the commands name, for who has the wheel alone: the pages, and the examples that they speak of.
SUFFIXES = {".md", ".svg", ".png", ".json", ".toml", ".yml", ".conf", ".service", ".timer", ""}
PAGES = [
    file for top in ("docs", "examples") for file in Path(top).rglob("*") if file.is_file() and file.suffix in SUFFIXES
]

# The action modules go into the folder of an installed misp-modules. None of the three levels has an __init__.py:
# they belong to upstream, and uninstalling this pack must leave upstream whole.
setup(
    packages=find_packages(include=["misp_workflow*"])
    + find_namespace_packages(include=["misp_modules.modules.action_mod"])
    + ["misp_workflow.examples"],
    # `misp-workflow install` needs the example workflows where there is no checkout.
    package_dir={"misp_workflow.examples": "examples/workflows"},
    data_files=[(f"share/doc/misp-workflow-actions/{file.parent}", [str(file)]) for file in sorted(PAGES)],
)
