"""Arguments that several commands take."""

import argparse
from pathlib import Path


def add_profile(parser: argparse.ArgumentParser, text: str) -> None:
    """Take `--profile` after the command as well as before it."""
    parser.add_argument("--profile", metavar="NAME", default=argparse.SUPPRESS, help=text)


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Take the data folder of a local hub."""
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        type=Path,
        default=Path("~/.qai_hub/local"),
        help="folder that keeps everything (%(default)s)",
    )
