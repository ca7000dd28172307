"""What the outbox of one machine is made of: the SQLite file, what is kept in it, and who writes, reads and holds."""
