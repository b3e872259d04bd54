"""Compatibility: see `qai_hub.compat.rest`."""

from qai_hub.compat.rest import *  # noqa: F403
