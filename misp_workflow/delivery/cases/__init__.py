"""Cases at trackers: what is known of each, whose turn it is, and what a comment says. See docs/cases.md."""
