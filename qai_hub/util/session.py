"""Compatibility: see `qai_hub.official.settings`."""

from qai_hub.official.settings import (
    EXTERNAL_RESPONSE_TIMEOUT_SECONDS,
    apply_assigned_timeout,
    create_session,
)

__all__ = ["EXTERNAL_RESPONSE_TIMEOUT_SECONDS", "create_session"]

apply_assigned_timeout(__name__)
