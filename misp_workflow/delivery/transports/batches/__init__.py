"""What batches of records need, whichever way they go: STIX, the last word about each, what is left of an event."""
