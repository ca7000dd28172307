"""Workflows as code: what a running MISP has, as files in a folder, and the way back. See docs/workflows.md."""
