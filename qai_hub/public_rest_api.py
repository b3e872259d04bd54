"""Compatibility: see `qai_hub.official.rest`."""

from qai_hub.official.rest import *  # noqa: F403
