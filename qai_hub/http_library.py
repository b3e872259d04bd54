"""The HTTP library, which all of this package takes from here.

A successor with the same names takes its place by one edit of this module, together with the
generator's, since generated code has it from its own imports.
"""

import sys

__all__ = ["httpx"]

# httpx imports its own command line where rich and click are installed, which takes longer than all
# the rest of it. It does without if that module cannot be imported.
if "httpx" in sys.modules:
    import httpx
else:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        import httpx
    finally:
        del sys.modules["httpx._main"]
