"""The client's methods, in groups."""
