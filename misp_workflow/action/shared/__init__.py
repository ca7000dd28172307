"""What groups of action files share: those that keep cases, send records, change MISP, split messages."""
