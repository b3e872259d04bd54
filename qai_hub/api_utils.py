"""Compatibility: see `qai_hub.compat.settings`."""

from qai_hub.compat.settings import *  # noqa: F403
