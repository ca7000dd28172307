"""The data in hand: core format, rows of the database, filters, conditions, and JSON as PHP writes it."""
