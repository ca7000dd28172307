"""What the doctor looks at: one file per thing, each with a function that returns findings."""
