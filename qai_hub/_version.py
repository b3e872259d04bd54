__version__ = "0.56.1.dev0"
"""Release of this package.

Examples:
    >>> print(f"qai-hub-openapi {hub.__version__}")
    qai-hub-openapi ...
"""
