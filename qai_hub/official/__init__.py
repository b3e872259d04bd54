"""Inner names of the official client that public scripts use, on top of this one.

Nothing of the facade needs this package, but for two base classes, `CompatClient` and `CompatJob`.
The modules that scripts import from, such as `qai_hub.public_rest_api`, only pass its names on.
"""
