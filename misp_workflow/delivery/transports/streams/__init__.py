"""Message brokers: one file per system, each with a function

    publish(batch, deadline) -> list[Outcome]

that returns one outcome per record, in their order, and raises UnreachableError when the broker as a whole could not be
used. Only a record that the broker acknowledged is in. The client libraries are optional extras, imported at first use.
"""
