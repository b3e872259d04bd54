"""The command `qai-hub`: one module for each of its subcommands."""
