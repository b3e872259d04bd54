"""What the command loads before it works: help and completion come while somebody waits."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import make_environment

HEAVY = {
    *("attr", "google", "h5py", "httpx", "numpy", "onnx", "onnxruntime", "rich", "qai_hub_api"),
    *("qai_hub.client", "qai_hub.local", "qai_hub.transport"),
}
REPORT = """
import json, sys
from qai_hub.cli.main import main
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["--help"], {}),
        (["job", "--help"], {}),
        (["submit", "compile", "--help"], {}),
        (["submit-compile-job", "--help"], {}),
        (["--version"], {}),
        (["frobnicate"], {}),
        ([], {"COMP_WORDS": "qai-hub\nsub", "COMP_CWORD": "1"}),
        ([], {"COMP_WORDS": "qai-hub\nsubmit\ncomp", "COMP_CWORD": "2"}),
        ([], {"COMP_WORDS": "qai-hub\njob\nlist\n--st", "COMP_CWORD": "3"}),
        ([], {"COMP_WORDS": "qai-hub\n--profile\nx", "COMP_CWORD": "2"}),
    ],
)
def test_nothing_heavy_is_loaded(
    tmp_path: Path, arguments: list[str], variables: dict[str, str]
) -> None:
    if variables:
        variables = variables | {"_QAI_HUB_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments],
        env=make_environment(tmp_path, **variables),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert "click" in loaded
    assert loaded & HEAVY == set()
