__version__ = "0.56.0.1.dev0"
"""Release of this package: the official release that it follows, and the number of our own.

Examples:
    >>> print(f"qai-hub-openapi {hub.__version__}")
    qai-hub-openapi ...
"""

OFFICIAL_RELEASE = ".".join(__version__.split(".")[:3])
"""Release of the official client whose names and behaviour this package follows."""
