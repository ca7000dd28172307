"""How a call is put into words: the usual summary, templates, whom a message calls, in the markup of each place."""
