import os
import warnings
from importlib import import_module

import pytest

# Official builds of ONNX Runtime report their use to their maker unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


@pytest.fixture(scope="session", autouse=True)
def _helper_of_isolated_calls() -> None:
    """Fork processes, as workers do: starting each anew would take a second."""
    for module in ("isolated", "compile", "quantize.job"):
        import_module(f"qai_hub.local.engine.{module}")
    with warnings.catch_warnings():
        # Newer versions of Python warn of the threads of pytest-xdist, which hold no lock here.
        warnings.simplefilter("ignore", DeprecationWarning)
        import_module("qai_hub.local.engine.isolated").prepare_isolated_calls()
