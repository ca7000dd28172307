"""The subcommands of `misp-workflow`, a file each, which is loaded when it is called."""
