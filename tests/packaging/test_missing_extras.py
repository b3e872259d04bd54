"""What is said where an extra is not installed."""

import subprocess
import sys


def test_the_local_hub_names_its_extra() -> None:
    code = "import sys; sys.modules['sqlalchemy'] = None; from qai_hub.local import LocalHub"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = ran.stderr.splitlines()[-1]
    assert last == (
        "ModuleNotFoundError: The local hub needs sqlalchemy: pip install 'qai-hub-openapi[local]'"
    )
