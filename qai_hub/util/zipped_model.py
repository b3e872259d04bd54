"""Compatibility: see `qai_hub.compat.archives`."""

from qai_hub.compat.archives import *  # noqa: F403
