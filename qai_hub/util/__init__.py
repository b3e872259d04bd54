"""Compatibility: see `qai_hub.official`."""
