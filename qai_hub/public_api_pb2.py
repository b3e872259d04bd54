"""Compatibility: see `qai_hub.compat.messages`."""

from qai_hub.compat.messages import __dir__, __getattr__  # noqa: F401
