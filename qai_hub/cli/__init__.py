"""The command `qai-hub`, with one module per subcommand."""
