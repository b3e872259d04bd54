"""Engines: packages that jobs need, and that cannot be in the hub's own environment."""
