"""The runtime frameworks that jobs run with here, from what is installed; nothing is imported."""

import re
from importlib import metadata
from pathlib import Path
from typing import Any

_QNN = "onnxruntime-qnn"
_QNN_FACTS = "onnxruntime_qnn/build_and_package_info.py"
_QNN_SDK = re.compile(r"""^qnn_version\s*=\s*['"]([0-9.]+)['"]""", re.MULTILINE)


def frameworks() -> list[dict[str, Any]]:
    """List the frameworks.

    Returns:
        Frameworks as the contract writes them. QAIRT is among them if this hub can compile with it.
    """
    versions = {
        "onnx": installed("onnx"),
        "onnxruntime": installed("onnxruntime"),
        "QAIRT": qairt_version(),
    }
    return [
        {
            "name": name,
            "api_version": ".".join(version.split(".")[:2]),
            "api_tags": ["default", "latest"],
            "full_version": version,
        }
        for name, version in versions.items()
        if version
    ]


def qairt_version() -> str | None:
    """Tell the version of the QAIRT SDK that is within onnxruntime-qnn.

    Returns:
        The version, such as "2.51.0", as a small Python file of that package tells it; None if the
        package is not installed, or has no such file.
    """
    try:
        facts = metadata.distribution(_QNN).locate_file(_QNN_FACTS)
        found = _QNN_SDK.search(Path(str(facts)).read_text("utf-8"))
    except (metadata.PackageNotFoundError, FileNotFoundError):
        return None
    return found[1] if found else None


def installed(distribution: str) -> str | None:
    """Tell the version of an installed distribution; None if it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
