"""Package list; everything else stands in pyproject.toml."""

from pathlib import Path

from setuptools import find_namespace_packages, find_packages, setup

# What the commands name, for who has the wheel alone: the pages, and the examples that they speak of.
SUFFIXES = {".md", ".svg", ".png", ".json", ".toml", ".yml", ".conf", ".service", ".timer", ""}
FOLDERS = (*Path("docs").rglob("*"), *Path("examples").rglob("*"))
PAGES = [*Path().glob("*.md"), *(file for file in FOLDERS if file.is_file() and file.suffix in SUFFIXES)]
SHARED = Path("share/doc/misp-workflow-actions")

# The action modules go into the folder of an installed misp-modules. None of the three levels has an __init__.py:
# they belong to upstream, and uninstalling this pack must leave upstream whole.
setup(
    packages=find_packages(include=["misp_workflow*"])
    + find_namespace_packages(include=["misp_modules.modules.action_mod"])
    + ["misp_workflow.examples"],
    # `misp-workflow install` needs the example workflows where there is no checkout.
    package_dir={"misp_workflow.examples": "examples/workflows"},
    data_files=[(str(SHARED / file.parent), [str(file)]) for file in sorted(PAGES)],
)
