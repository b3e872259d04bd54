"""Downloads in processes of their own, which a test interrupts or kills."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from qai_hub.transfer import assembly, download as module
from qai_hub.transfer.download import download
from qai_hub.transport.setup import file_session
module.is_loopback = lambda host: False
assembly._LARGE, assembly._PIECE = int(sys.argv[3]), 1 << 20
with file_session() as session:
    print("ready", flush=True)
    download(session, sys.argv[1], Path(sys.argv[2]))
"""
SINGLE, PARALLEL = 1 << 40, 1 << 20


def start(url: str, path: Path, large: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(path), str(large)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )
