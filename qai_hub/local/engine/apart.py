"""Runs a module of the hub in a Python that has none of the hub's packages.

It is started as `python -P PATH_OF_THIS_FILE MODULE ARGUMENT ...`, and makes `qai_hub` importable,
and nothing else that is installed beside it.
"""

import importlib.util
import runpy
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run the module that the command line names."""
    spec = importlib.util.spec_from_file_location(
        _PACKAGE.name, _PACKAGE / "__init__.py", submodule_search_locations=[str(_PACKAGE)]
    )
    assert spec is not None  # noqa: S101 - the file is there
    assert spec.loader is not None  # noqa: S101 - it is a file of Python
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE.name] = package
    spec.loader.exec_module(package)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
