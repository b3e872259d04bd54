"""Compatibility: see `qai_hub.official.data`."""

from qai_hub.official.data import __dir__, __getattr__  # noqa: F401
