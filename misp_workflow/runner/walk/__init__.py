"""The walk through the graph, and the records that it leaves."""
