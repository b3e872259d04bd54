"""Generates `generated/qai_hub_api` from the contract, or checks that it is up to date.

Run it through `make generate` and `make check-drift`.
"""

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from answers import as_read
from wire_files import compile_wire

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "openapi.yaml"
OUTPUT = ROOT / "generated"
PACKAGE = "qai_hub_api"
BINARY = {".desc"}
HERE = Path(__file__).resolve().parent


def build(contract: Path, folder: Path) -> Path:
    """Generates the package into a folder.

    Args:
        contract: The contract, as YAML.
        folder: An existing folder that does not hold the package yet.

    Returns:
        The folder of the package.

    Raises:
        SystemExit: If the generator refuses the contract or warns about it, or if the wire
            annotations are wrong.
    """
    package = folder / PACKAGE
    spec = yaml.safe_load(contract.read_text(encoding="utf-8"))
    read = folder / "as-read.json"
    try:
        read.write_text(json.dumps(as_read(spec)), encoding="utf-8")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SystemExit(f"{contract}: the generator failed: {error!r}") from error
    generator = "import sys; from openapi_python_client.cli import app; sys.exit(app())"
    command = [sys.executable, "-c", generator, "generate", "--path", str(read)]
    command += ["--config", str(HERE / "config.yaml"), "--meta", "none", "--fail-on-warning"]
    command += ["--custom-template-path", str(HERE / "templates"), "--output-path", str(package)]
    # The hooks run `ruff` from PATH; the pinned version is installed beside this interpreter.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{contract}: the generator failed\n{done.stdout}{done.stderr}")
    # The hub routes and validates with this file: parsing the YAML would add 0.2 s to each start.
    text = json.dumps(spec, indent=1, ensure_ascii=False) + "\n"
    (package / "openapi.json").write_text(text, encoding="utf-8")
    try:
        wire = compile_wire(spec)
    except (KeyError, TypeError, ValueError) as error:
        raise SystemExit(f"{contract}: the wire annotations are wrong: {error}") from error
    (package / "wire.desc").write_bytes(wire.descriptor)
    (package / "operations.json").write_text(wire.operations, encoding="utf-8")
    readers, model_readers = package / "wire_readers.py", package / "wire_models.py"
    readers.write_text(wire.readers, encoding="utf-8")
    model_readers.write_text(wire.model_readers, encoding="utf-8")
    formatter = [sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", "--quiet"]
    formatter += ["--line-length", "100"]
    subprocess.run([*formatter, str(readers), str(model_readers)], check=True)
    shutil.copyfile(HERE / "templates" / "reading.py.jinja", package / "reading.py")
    (package / "py.typed").touch()
    return package


def differences(expected: Path, actual: Path) -> list[str]:
    """Returns the differences between two folders of files, as lines for a report."""
    files = {p.relative_to(expected) for p in expected.rglob("*") if p.is_file()}
    files |= {
        p.relative_to(actual)
        for p in actual.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    lines: list[str] = []
    for name in sorted(files):
        want, have = expected / name, actual / name
        if not have.exists():
            lines.append(f"{name}: missing")
        elif not want.exists():
            lines.append(f"{name}: the contract does not give it")
        elif want.read_bytes() == have.read_bytes():
            continue
        elif want.suffix in BINARY:
            lines.append(f"{name}: differs")
        else:
            before, after = (p.read_text(encoding="utf-8").splitlines() for p in (have, want))
            names = f"{name} (as it is)", f"{name} (as it should be)"
            lines += difflib.unified_diff(before, after, *names)
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Generates or checks; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, report differences")
    parser.add_argument("--contract", type=Path, default=CONTRACT, help="default: openapi.yaml")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="default: generated/")
    options = parser.parse_args(arguments)
    target: Path = options.output / PACKAGE
    with tempfile.TemporaryDirectory(prefix="qai-hub-codegen-") as temporary:
        package = build(options.contract.resolve(), Path(temporary))
        if options.check:
            lines = differences(package, target)
            print("\n".join(lines[:200]) if lines else f"{target.name} is what the contract gives")
            if lines:
                print("generated/ has drifted from openapi.yaml: run `make generate`")
            return 1 if lines else 0
        options.output.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(package, target)
    print(f"{target.name}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
