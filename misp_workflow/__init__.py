"""What stands behind the action modules of misp-workflow-actions, and MISP's workflow engine to try them with."""

__version__ = "0.1.0"
