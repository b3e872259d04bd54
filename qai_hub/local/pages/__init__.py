"""The pages of a hub: what people look at in a browser."""

from qai_hub.local.pages.routes import Pages

__all__ = ["Pages"]
