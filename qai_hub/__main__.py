"""`python -m qai_hub`: the same as the command `qai-hub`."""

import sys

from qai_hub.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
