"""Workers start fast even where the installer compiled nothing, as uv does not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.execution_models import linear_model, saved

import qai_hub

HUB = """
import sys
from pathlib import Path
from support.execution_models import attempt, compile_request
folder = Path(sys.argv[1])
print(attempt(compile_request(folder / "m1"), folder / "a").succeeded)
"""


def test_the_first_worker_keeps_the_bytecode_of_what_it_imports(tmp_path: Path) -> None:
    package = tmp_path / "installed" / "qai_hub"
    shutil.copytree(Path(qai_hub.__file__).parent, package, ignore=shutil.ignore_patterns("*.pyc"))
    saved(linear_model(), tmp_path)
    path = [str(package.parent), *(entry for entry in sys.path if entry)]
    environment = {"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run(
        [sys.executable, "-P", "-c", HUB, str(tmp_path)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.strip() == "True", done.stderr
    kept = {path.name.split(".")[0] for path in (package / "local/engine").rglob("*.pyc")}
    assert {"compile", "model_files", "session"} <= kept, kept
