"""The hub and the people of the end-to-end tests."""

from e2e.conftest import client, colleague, compiled, device, lh, stranger, target

__all__ = ["client", "colleague", "compiled", "device", "lh", "stranger", "target"]
