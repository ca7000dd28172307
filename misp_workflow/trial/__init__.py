"""Trying workflows without consequences: the engine with our actions in this process, and nothing that leaves it."""
