"""What a job was carried out with: this machine and the tools on it."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import onnxruntime


def tool_versions() -> list[dict[str, str]]:
    """Return the tools that carry jobs out, as the JSON of `ToolVersion` messages."""
    versions = {
        "ONNX Runtime": onnxruntime.__version__,
        "ONNX": onnx.__version__,
        "Python": platform.python_version(),
    }
    return [{"name": name, "version": version} for name, version in versions.items()]


def runtime_config(conditions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return where and how a profile was measured, as the JSON of `RuntimeConfig` messages.

    Args:
        conditions: What holds for the runtime that ran the model.
    """
    properties = {
        "host CPU": _cpu_name(),
        "times": "wall clock of this machine, not of a device",
        **conditions,
        "memory": "resident set of the whole worker process",
        "logical CPUs": str(os.cpu_count()),
        "architecture": platform.machine(),
        "operating system": f"{platform.system()} {platform.release()}",
    }
    listed = [{"key": key, "value": value} for key, value in properties.items()]
    return [{"name": "Measured on", "properties": listed}]


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
