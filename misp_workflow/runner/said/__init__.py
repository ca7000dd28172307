"""What is said of a run or a workflow: report, findings, and what happens when modules fail."""
