"""The official client, in an environment of its own, which `make interop` makes and names."""

import os

OFFICIAL_PYTHON = os.environ.get("OFFICIAL_PYTHON")

collect_ignore_glob = [] if OFFICIAL_PYTHON else ["test_*.py"]
