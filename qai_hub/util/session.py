"""Compatibility: see `qai_hub.official.sessions`."""

from qai_hub.official.sessions import EXTERNAL_RESPONSE_TIMEOUT_SECONDS, create_session, listen_to

__all__ = ["EXTERNAL_RESPONSE_TIMEOUT_SECONDS", "create_session"]

listen_to(__name__)
