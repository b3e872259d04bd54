"""The command `qai-hub submit`: jobs of each type, as given and as clones."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from support.command import Run
from support.compiled_models import PHONE, target_of

from qai_hub.client import (
    Client,
    CompileJob,
    Dataset,
    InferenceJob,
    LinkJob,
    Model,
    QuantizeDtype,
    QuantizeJob,
)
from qai_hub.local.engine.option_table import parse_job_options
from qai_hub.local.enums import JobTypeName

DEVICE = ["--device", PHONE]


@pytest.fixture
def affine(home: Path) -> str:
    return str(home / "affine.onnx")


@pytest.fixture
def open_model(home: Path) -> str:
    return str(home / "open.onnx")


def test_compile(run: Run, client: Client, open_model: str, compiled: CompileJob) -> None:
    submitted = run(
        *("submit", "compile", open_model, *DEVICE, "--options", "--target_runtime onnx"),
        *("--input-specs", '{"x": [1, 4]}', "--name", "mine", "--project", compiled.project_id),
        "--wait",
    )
    job = client.get_job(submitted.out.rstrip("\n"))
    assert isinstance(job, CompileJob)
    told = f"{job.job_id}: target model {target_of(job).model_id}\n"
    assert (submitted.status, submitted.err) == (0, told)
    assert (job.name, job.options.strip()) == ("mine", "--target_runtime onnx")
    assert (job.device.name, job.shapes) == (PHONE, {"x": ((1, 4), "float32")})
    assert job.get_status().success


def test_input_specs_in_a_file(run: Run, client: Client, open_model: str, tmp_path: Path) -> None:
    (tmp_path / "specs.json").write_text('{"x": [1, 4]}\n')
    given = ["submit", "compile", open_model, *DEVICE, "-q", "--input-specs"]
    job = client.get_job(run(*given, "@specs.json").out.strip())
    assert isinstance(job, CompileJob)
    assert job.shapes == {"x": ((1, 4), "float32")}
    refused = run(*given, "@absent.json")
    assert (refused.status, refused.out) == (2, "")
    assert "absent.json cannot be read: No such file or directory." in refused.err


def test_compile_clones(
    run: Run, client: Client, open_model: str, compiled: CompileJob, data: Dataset, home: Path
) -> None:
    clone = ["submit", "compile", "--clone", compiled.job_id, "-q"]
    same = client.get_job(run(*clone).out.strip())
    assert isinstance(same, CompileJob)
    assert (same.name, same.options, same.shapes) == (
        *(compiled.name, compiled.options),
        compiled.shapes,
    )
    assert (same.model.model_id, same.device) == (compiled.model.model_id, compiled.device)
    assert same.calibration_dataset is None

    for given in (data.dataset_id, str(home / "data.h5")):
        calibrated = client.get_job(run(*clone, "--calibration-data", given).out.strip())
        assert isinstance(calibrated, CompileJob)
        assert calibrated.calibration_dataset is not None
    again = ["submit", "compile", "--clone", calibrated.job_id, "-q"]
    kept = client.get_job(run(*again).out.strip())
    assert isinstance(kept, CompileJob)
    assert kept.calibration_dataset is not None

    other = client.get_job(
        run(
            *(*again, open_model, "--calibration-data", "none", "--options", "", "--name", "other"),
            *("--input-specs", "{'x': (2, 4)}", "--device", "Samsung Galaxy S25"),
        ).out.strip()
    )
    assert isinstance(other, CompileJob)
    assert (other.name, other.options, other.calibration_dataset) == ("other", "", None)
    assert (other.shapes, other.device.name) == (
        {"x": ((2, 4), "float32")},
        "Samsung Galaxy S25",
    )
    assert other.model.model_id != compiled.model.model_id


def test_failure(run: Run, home: Path) -> None:
    submitted = run("submit", "compile", str(home / "broken.onnx"), *DEVICE, "--wait", "-q")
    assert submitted.status == 1
    (job_id,) = submitted.lines
    assert submitted.err.startswith(f"qai-hub: {job_id} has failed: The file is not an ONNX model")
    chosen = ["--wait", "--format", "jsonl", "--fields", "id,state,failure_type"]
    told = json.loads(run("submit", "compile", "--clone", job_id, *chosen).out)
    assert (told["state"], told["failure_type"]) == ("FAILED", "MODEL_CORRUPT")
    assert told["id"] != job_id


def test_profile_and_inference(
    run: Run, client: Client, target: Model, data: Dataset, home: Path
) -> None:
    profiled = run("submit", "profile", target.model_id, *DEVICE, "--wait")
    job = client.get_job(profiled.out.strip())
    assert isinstance(job, InferenceJob)
    assert (profiled.status, job.profiling, job.inputs) == (0, True, None)

    chosen = ["--inputs", data.dataset_id, "--no-profiling", "--name", "a run"]
    run_id = run("submit", "inference", target.model_id, *DEVICE, *chosen).out.strip()
    clone = ["submit", "inference", "--clone", run_id, "--format", "jsonl"]
    for more, profiling in (([], False), (["--profiling", "--options", "--an_option 1"], True)):
        again = client.get_job(json.loads(run(*clone, *more).out)["id"])
        assert isinstance(again, InferenceJob)
        assert (again.name, again.profiling) == ("a run", profiling)
        assert again.inputs is not None
        assert again.inputs.dataset_id == data.dataset_id
        assert again.options.strip() == ("--an_option 1" if more else "")
    other = client.get_job(json.loads(run(*clone, "--inputs", str(home / "data.h5")).out)["id"])
    assert isinstance(other, InferenceJob)
    assert other.inputs is not None
    assert other.inputs.dataset_id != data.dataset_id


def test_numpy_files_in_and_out(run: Run, target: Model, affine: str, tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    samples.mkdir()
    for number in range(2):
        np.savez(samples / f"{number}.npz", x=np.full((1, 4), number, np.float32))
    given = ["--inputs", "samples/", "--no-profiling", "--wait"]
    (job_id,) = run("submit", "inference", target.model_id, *DEVICE, *given).lines
    written = run("dataset", "download", job_id, "--npz", "-o", "outputs").lines
    assert written == ["outputs/0.npz", "outputs/1.npz"]
    first, second = (np.load(path)["y"] for path in written)
    assert first.shape == second.shape
    assert not np.array_equal(first, second)

    given = ["--calibration-data", "samples/0.npz", "--wait"]
    (quantized,) = run("submit", "quantize", affine, *given).lines
    refused = run("dataset", "download", quantized, "--npz")
    assert (refused.status, refused.out) == (1, "")
    assert f"{quantized} has no outputs" in refused.err


def test_quantize(run: Run, client: Client, affine: str, data: Dataset) -> None:
    chosen = ["--calibration-data", data.dataset_id, "--activations", "int16", "--name", "small"]
    first = run("submit", "quantize", affine, *chosen).out.strip()
    again = client.get_job(run("submit", "quantize", "--clone", first, "-q").out.strip())
    assert isinstance(again, QuantizeJob)
    assert (again.name, again.weights_dtype) == ("small", QuantizeDtype.INT8)
    assert again.activations_dtype == QuantizeDtype.INT16
    other = ["--activations", "int8", "--weights", "int8", "--name", "smaller"]
    third = client.get_job(run("submit", "quantize", "--clone", first, *other).out.strip())
    assert isinstance(third, QuantizeJob)
    assert (third.name, third.activations_dtype) == ("smaller", QuantizeDtype.INT8)


def test_link(run: Run, client: Client, home: Path) -> None:
    first = run("submit", "link", str(home / "net.dlc"), *DEVICE, "--options", "--an_option 1")
    job = client.get_job(first.out.strip())
    again = client.get_job(run("submit", "link", "--clone", job.job_id, "-q").out.strip())
    assert isinstance(job, LinkJob)
    assert isinstance(again, LinkJob)
    assert [model.model_id for model in again.models] == [model.model_id for model in job.models]
    assert again.options == job.options


KINDS: tuple[JobTypeName, ...] = ("compile", "quantize", "link", "inference", "profile")


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_options_is_valid_for_the_type(run: Run, kind: JobTypeName) -> None:
    text = " ".join(run("submit", kind, "--help").out.split())
    found = re.search('--options TEXT Such as "(--.+?)"', text)
    assert found
    assert parse_job_options(found[1], kind)


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["compile"], 2, "A job needs a model"),
        (["compile", "MODEL"], 2, "A job needs a device"),
        (["link", *DEVICE], 2, "A link job needs models"),
        (["quantize", "MODEL"], 2, "A quantize job needs calibration data"),
        (["quantize", "MODEL", "--calibration-data", "none"], 1, "There is no file 'none'"),
        (["compile", "absent.onnx", *DEVICE], 1, "There is no file 'absent.onnx'"),
        (["compile", "mzzzzzzzz", *DEVICE], 1, "There is no model mzzzzzzzz"),
        (["compile", "MODEL", "--device", "No Such Phone"], 1, "No device matches"),
        (["inference", "MODEL", *DEVICE, "--inputs", "dzzzzzzzz"], 1, "There is no dataset"),
        (["inference", "MODEL", *DEVICE, "--inputs", "absent.h5"], 1, "There is no file"),
        (
            ["inference", "--clone", "COMPILED"],
            1,
            "is a job of the type compile: it cannot be cloned",
        ),
        (["compile", "--clone", "jzzzzzzzz"], 1, "There is no job jzzzzzzzz"),
        (["compile", "MODEL", *DEVICE, "--input-specs", "exit()"], 2, "is not a dictionary"),
        (["compile", "MODEL", *DEVICE, "--fields", "nome"], 2, "There is no field 'nome'"),
        (["compile", "MODEL", *DEVICE, "-q", "--fields", "id"], 2, "-q prints identifiers only"),
        (["compile", "MODEL", *DEVICE, "-q", "--format", "json"], 2, "-q prints identifiers only"),
    ],
)
def test_mistakes_submit_nothing(
    *,
    run: Run,
    client: Client,
    affine: str,
    compiled: CompileJob,
    arguments: list[str],
    status: int,
    told: str,
) -> None:
    before = client.get_job_summaries(limit=1)[0].job_id
    meant = {"MODEL": affine, "COMPILED": compiled.job_id}
    submitted = run("submit", *(meant.get(argument, argument) for argument in arguments))
    assert (submitted.status, submitted.out) == (status, "")
    assert told in submitted.err
    assert "Traceback" not in submitted.err
    assert client.get_job_summaries(limit=1)[0].job_id == before
