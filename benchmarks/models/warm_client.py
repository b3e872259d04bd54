"""Starts `qai-hub-models` in forks of a process that has imported PyTorch and qai_hub_models.

Runs in the environment of a client. Importing is half of what an export itself needs of the
processor. Each line of standard input is a command, as JSON: `arguments`, and `log`, the file for
its output. For each a line is printed as soon as it runs, with its `log` and its `pid`, and another
one when it has ended, with its `log` and its `status`: the exit status, negative for the number of
a signal.
"""

import json
import os
import sys
import threading


def main() -> None:
    """Runs commands until the standard input ends."""
    import qai_hub_models.cli.dispatch
    import qai_hub_models.utils.export.pipeline  # noqa: F401

    # The standard output is for answers: what is imported may print as well.
    answers = os.dup(1)
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _run(request["arguments"], request["log"])
        _answer(answers, log=request["log"], pid=pid)
        threading.Thread(target=_wait, args=(answers, pid, request["log"]), daemon=True).start()


def _answer(answers: int, **fields: object) -> None:
    # Written at once, and without Python's buffers, whose locks a fork might find held.
    os.write(answers, json.dumps(fields).encode() + b"\n")


def _wait(answers: int, pid: int, log: str) -> None:
    _, status = os.waitpid(pid, 0)
    _answer(answers, log=log, status=os.waitstatus_to_exitcode(status))


def _run(arguments: list[str], log: str) -> None:
    """Be `qai-hub-models`, in a fork."""
    status = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.argv = ["qai-hub-models", *arguments]
        from qai_hub_models_cli.cli import main

        status = main() or 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - the fork ends here, whatever it was
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
