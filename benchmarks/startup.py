"""Measures the processor time of the command's start beside the official command's.

    python benchmarks/startup.py --official-python .venv-official/bin/python

The ratios are to the official command's `--help`; it has no completion. They are of the fastest of
some runs, which a busy machine changes least.
"""

import argparse
import os
import resource
import subprocess
import sys

_RUNS = 7
# Without -P, this project would be found in its place in this folder.
_OFFICIAL = ["-P", "-c", "import sys; from qai_hub._cli import main; sys.exit(main())", "--help"]
_COMPLETED = {
    "completion of a command": ["qai-hub", "submit", "comp"],
    "completion of an option": ["qai-hub", "job", "list", "--st"],
}
_HELP = {
    "--help": ["--help"],
    "submit compile --help": ["submit", "compile", "--help"],
    "--version": ["--version"],
}


def measure(command: list[str], **variables: str) -> float:
    """Returns the least seconds of processor time that a command takes."""
    return min(_run(command, variables) for _ in range(_RUNS))


def _run(command: list[str], variables: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command, env=os.environ | variables, stdout=subprocess.DEVNULL, check=True, timeout=60
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description="Measures the start of the command.")
    parser.add_argument("--official-python", required=True)
    official = measure([parser.parse_args().official_python, *_OFFICIAL])
    ours = [sys.executable, "-m", "qai_hub"]
    rows = {name: measure([*ours, *arguments]) for name, arguments in _HELP.items()}
    for name, words in _COMPLETED.items():
        rows[name] = measure(
            ours,
            _QAI_HUB_COMPLETE="bash_complete",
            COMP_WORDS="\n".join(words),
            COMP_CWORD=str(len(words) - 1),
        )
    print("| | CPU ms | official `--help` = 1 |\n|---|---|---|")
    print(f"| official `--help` | {official * 1000:.0f} | 1 |")
    for name, seconds in rows.items():
        print(f"| {name} | {seconds * 1000:.0f} | {seconds / official:.2f} |")


if __name__ == "__main__":
    main()
