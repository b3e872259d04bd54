"""The engines that there are, and the lists of their packages."""

import re
from collections import Counter

import pytest

from qai_hub.local.engines.catalog import ENGINES, Engine, engine_of_runtime

EVERY = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)


@EVERY
def test_each_package_has_one_exact_version(engine: Engine) -> None:
    lines = engine.lock.read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin) for pin in pins), pins
    assert dict(pin.split("==") for pin in pins) == dict(engine.packages)
    assert max(Counter(pin.split("==")[0] for pin in pins).values()) == 1


@EVERY
def test_its_name_is_that_of_its_list(engine: Engine) -> None:
    assert engine.lock.name == f"{engine.name}.txt"
    assert engine.install_command == f"qai-hub engine install {engine.name}"


def test_a_digest_is_that_of_the_packages_alone() -> None:
    assert len({engine.digest for engine in ENGINES.values()}) == len(ENGINES)


def test_one_engine_makes_models_for_a_runtime() -> None:
    assert engine_of_runtime("tflite") is ENGINES["tflite"]
    assert engine_of_runtime("onnx") is None
    assert engine_of_runtime(None) is None
