"""python -m misp_workflow: the command line, where its script is not on the path."""

from misp_workflow.cli import main

if __name__ == "__main__":
    main(prog_name="misp-workflow")
