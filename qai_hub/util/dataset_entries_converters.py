"""Compatibility: see `qai_hub.compat.datasets`."""

from qai_hub.compat.datasets import *  # noqa: F403
