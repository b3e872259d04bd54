"""Compatibility: see `qai_hub.official.settings`."""

from qai_hub.official.settings import EXTERNAL_RESPONSE_TIMEOUT_SECONDS, create_session, listen_to

__all__ = ["EXTERNAL_RESPONSE_TIMEOUT_SECONDS", "create_session"]

listen_to(__name__)
