"""Compatibility: see `qai_hub.official.data`."""

from qai_hub.official.data import *  # noqa: F403
