"""Compatibility: see `qai_hub.compat`."""
