"""Compatibility: see `qai_hub.compat.sessions`."""

from qai_hub.compat.sessions import EXTERNAL_RESPONSE_TIMEOUT_SECONDS, create_session, listen_to

__all__ = ["EXTERNAL_RESPONSE_TIMEOUT_SECONDS", "create_session"]

listen_to(__name__)
