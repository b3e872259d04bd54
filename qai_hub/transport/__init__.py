"""HTTP clients of the package, with retries, time limits and proxies."""

import sys

# httpx imports its own command line where rich and click are installed, which takes longer than all
# the rest of it. It does without if that module cannot be imported.
if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        import httpx  # noqa: F401
    finally:
        del sys.modules["httpx._main"]
