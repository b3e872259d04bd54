"""Real models compile to every target of QNN, and compute in simulation what the CPU computes."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from support.execution_models import conv_net
from support.qnn import (
    BINARY,
    DLC,
    PRECOMPILED,
    agreement,
    compiled,
    on_cpu,
    other_notices,
    simulated,
)
from support.qnn import target_of as target
from support.real_models import FILE_TYPE, PAGE_DIRECTION, SPEECH, TEXT_DIRECTION

from qai_hub.client import Client, ModelMetadataKey, SourceModelType

MODELS = {
    "text": TEXT_DIRECTION,
    "page": PAGE_DIRECTION,
    "speech": SPEECH,
    "file": FILE_TYPE,
}
SUFFIXES = {BINARY: ".bin", PRECOMPILED: ".onnx.zip", DLC: ".dlc"}
TYPES = {
    BINARY: SourceModelType.QNN_CONTEXT_BINARY,
    PRECOMPILED: SourceModelType.ONNX,
    DLC: SourceModelType.QNN_DLC,
}
# The tests simulate the targets themselves. One simulated inference takes seconds of this machine
# for the others.
UNCHECKED = "--skip_target_check"
RUN = [("text", BINARY), ("text", PRECOMPILED), ("text", DLC), ("page", BINARY), ("file", BINARY)]


@pytest.mark.parametrize("runtime", SUFFIXES)
@pytest.mark.parametrize("name", MODELS)
def test_a_real_model_compiles(client: Client, name: str, runtime: str, tmp_path: Path) -> None:
    model = MODELS[name]

    job = compiled(client, model.path, runtime, more=UNCHECKED, input_specs=model.specs)

    made = target(job)
    assert made.model_type is TYPES[runtime]
    assert other_notices(job) == []
    specs = {n: s if isinstance(s[0], tuple) else (s, "float32") for n, s in model.specs.items()}
    assert job.get_target_shapes() == specs
    metadata = dict(made.metadata)
    sdk = metadata.pop(ModelMetadataKey.QNN_SDK_VERSION)
    assert sdk == job.get_tool_versions()["QAIRT"]
    assert metadata.pop(ModelMetadataKey.QAIRT_SDK_VERSION) == sdk
    assert metadata.pop(ModelMetadataKey.QNN_MODEL_GRAPH_NAMES) == "model"
    chip = {
        ModelMetadataKey.QNN_CONTEXT_BIN_HEXAGON_VERSION: "75",
        ModelMetadataKey.QNN_CONTEXT_BIN_SOC_MODEL: "57",
        ModelMetadataKey.QNN_CONTEXT_BIN_BACKEND: "HTP",
    }
    assert metadata == ({} if runtime == DLC else chip)

    file = Path(made.download(str(tmp_path / "target")))
    assert file.name == f"target{SUFFIXES[runtime]}"
    if runtime == PRECOMPILED:
        with ZipFile(file) as archive:
            assert archive.namelist() == ["model.onnx/model.onnx", "model.onnx/model.bin"]
    # Weights become half as wide for the HTP; a DLC keeps them.
    weights = model.path.stat().st_size
    assert (0.8 if runtime == DLC else 0.4) < file.stat().st_size / weights < 1.2


@pytest.mark.parametrize(("name", "runtime"), RUN)
def test_a_real_model_computes_what_it_does_on_the_cpu(
    client: Client, name: str, runtime: str
) -> None:
    model = MODELS[name]
    inputs = model.inputs(1)
    made = target(compiled(client, model.path, runtime, more=UNCHECKED, input_specs=model.specs))

    _, outputs = simulated(client, made, inputs)

    found = agreement(on_cpu(model.path, inputs), outputs)
    assert min(found.values()) > model.psnr, found


def test_all_targets_of_a_real_model_give_the_same_to_the_bit(client: Client) -> None:
    model, inputs = SPEECH, SPEECH.inputs(1)
    made = [
        target(compiled(client, model.path, runtime, more=UNCHECKED, input_specs=model.specs))
        for runtime in SUFFIXES
    ]
    given = [simulated(client, each, inputs)[1] for each in made]
    found = agreement(on_cpu(model.path, inputs), given[0])
    assert min(found.values()) > model.psnr, found
    first = {name: values[0].tobytes() for name, values in given[0].items()}
    for other in given[1:]:
        assert {name: values[0].tobytes() for name, values in other.items()} == first


@pytest.mark.parametrize("runtime", [BINARY, PRECOMPILED])
def test_equal_models_become_equal_files(client: Client, runtime: str, tmp_path: Path) -> None:
    made = []
    # The cache takes these for different jobs.
    for number, more in enumerate(("", UNCHECKED)):
        job = compiled(client, conv_net(), runtime, more=more)
        made.append(Path(target(job).download(str(tmp_path / f"{number}"))).read_bytes())
    assert made[0] == made[1]
