"""Runs the official client's command line, whose waits look at a job every ten seconds only."""

import sys
import time
from functools import partial

_SLEEP = time.sleep


def nap(most: float, seconds: float) -> None:
    """Sleeps for a moment at most."""
    _SLEEP(min(most, seconds))


if __name__ == "__main__":
    time.sleep = partial(nap, 0.02)
    from qai_hub._cli import main  # type: ignore[import-not-found]

    sys.exit(main())
