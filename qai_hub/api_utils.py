"""Compatibility: see `qai_hub.official.settings`."""

from qai_hub.official.settings import *  # noqa: F403
