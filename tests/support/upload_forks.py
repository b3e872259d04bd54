"""A process that forks others, which upload a model: these start at once, to be killed.

Run as a script, it forks whenever it reads a line, and writes the process's identifier and, once it
has ended, its status.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from qai_hub.client import Client, ClientConfig
from qai_hub.client import model_upload as model_upload  # imported before the first fork

NAME = "net"


class UploadForks:
    """Starts uploads of one file to one hub.

    Args:
        config: Configuration of the client.
        path: The file.
    """

    def __init__(self, config: ClientConfig, path: Path) -> None:
        # On standard input, as other users can see arguments.
        self._setup = [config.api_token, config.api_url, str(path)]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for line in self._setup:
            self._write(line)
        assert self._read() == "ready"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()

    def start(self) -> int:
        """Start an upload; return its process, which `wait` must follow."""
        self._write("go")
        return int(self._read())

    def wait(self) -> int:
        """Wait for the end of the upload; return its exit status, negative for a signal."""
        return int(self._read())

    def _write(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)

    def _read(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def serve() -> None:
    """Fork at each line of standard input."""
    token, url, path = (sys.stdin.readline().strip() for _ in range(3))
    _tell("ready")
    while sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                config = ClientConfig(token, url, url, verbose=False)
                Client(config).upload_model(path, NAME)
                status = 0
            finally:
                os._exit(status)
        _tell(str(pid))
        _, ended = os.waitpid(pid, 0)
        _tell(str(os.waitstatus_to_exitcode(ended)))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
