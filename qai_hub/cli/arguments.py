"""Arguments that several commands take."""

import argparse


def add_profile(parser: argparse.ArgumentParser, text: str) -> None:
    """Take `--profile` after the command as well as before it."""
    parser.add_argument("--profile", metavar="NAME", default=argparse.SUPPRESS, help=text)
