"""The short scripts in `examples/`, each run as its docstring says, by a user of their own."""

import json
import re
import runpy
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnxruntime
import pytest
from support.users import COLLEAGUE

import qai_hub
import qai_hub.hub
from qai_hub.client import Client
from qai_hub.config import ClientConfig, save_config
from qai_hub.local import LocalHub

EXAMPLES = Path(__file__).parents[2] / "examples"
# They have tests of their own: test_examples.py, and test_torch_models.py where PyTorch is.
ELSEWHERE = {"compile_pytorch", "local_demo", "quickstart", "snapdragon"}
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem not in ELSEWHERE)
READER = "reader@example.com"
ENVIRONMENT = ("QAIHUB_CLIENT_INI", "QAI_HUB_API_TOKEN", "QAI_HUB_API_URL")

RunScript = Callable[..., str]


@pytest.fixture(scope="module")
def home(lh: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a reader, with a configuration, and the folder `work` that they work in."""
    home = tmp_path_factory.mktemp("reader")
    token = lh.add_user(READER)
    save_config(ClientConfig(token, lh.url, lh.url), environ={}, home=home)
    save_config(lh.config(COLLEAGUE), "colleague", environ={}, home=home)
    (home / "work").mkdir()
    yield home
    lh.revoke_user(READER)


@pytest.fixture
def run(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[RunScript]:
    for variable in ENVIRONMENT:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(home / "work")
    monkeypatch.setattr(qai_hub.hub, "_global_client", None)

    def run(script: str, *arguments: str) -> str:
        path = str(EXAMPLES / f"{script}.py")
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        runpy.run_path(path, run_name="__main__")
        return capsys.readouterr().out

    if not Path("model.onnx").exists():
        assert run("make_model") == "Wrote model.onnx\n"
    yield run
    if qai_hub.hub._global_client is not None:
        qai_hub.hub._global_client.close()


@pytest.fixture
def reader(run: RunScript) -> Client:
    return Client()


def find_tests(script: str) -> list[str]:
    """The names of the tests in this file that run a script."""
    source = Path(__file__).read_text("utf-8")
    tests = re.findall(r"^def (test_\w+)(.*?)(?=^def |\Z)", source, re.MULTILINE | re.DOTALL)
    return [name for name, body in tests if f'run("{script}"' in body]


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_short_and_say_how_to_run_them(script: str) -> None:
    source = (EXAMPLES / f"{script}.py").read_text("utf-8")
    assert len(source.splitlines()) <= 60
    docstring = source.split('"""')[1]
    assert f"python examples/{script}.py" in docstring
    assert script == "make_model" or find_tests(script)


@pytest.mark.small_hub("a team's job for an engine that no process has waits for one")
def test_compile_for_runtimes_and_use_a_compiled_file(run: RunScript) -> None:
    told = dict(line.split(maxsplit=1) for line in run("compile_for_runtimes").splitlines())
    suffixes = {
        "onnx": ".onnx",
        "precompiled_qnn_onnx": ".onnx.zip",
        "qnn_dlc": ".dlc",
        "qnn_context_binary": ".bin",
    }
    assert told.pop("tflite") == (
        "This hub lacks the engine tflite: run `qai-hub engine install tflite` where the hub"
        " runs, and submit the job again."
    )
    assert told == {name: f"compiled/{name}{suffix}" for name, suffix in suffixes.items()}
    assert all(Path(path).stat().st_size > 1000 for path in told.values())

    # The file that was downloaded is what the next one uploads, once.
    first = run("use_compiled_file", told["onnx"]).splitlines()
    assert [line.partition(":")[0] for line in first[1:]] == [
        "Samsung Galaxy S24",
        "Samsung Galaxy S24 Ultra",
    ]
    assert all(re.search(r": \d+ µs$", line) for line in first[1:])
    assert run("use_compiled_file", told["onnx"]).splitlines()[0] == first[0]


def test_use_compiled_file_says_how_it_is_used(run: RunScript) -> None:
    with pytest.raises(SystemExit, match=r"^usage: .*use_compiled_file\.py FILE$"):
        run("use_compiled_file")


def test_compile_for_camera(run: RunScript) -> None:
    told = run("compile_for_camera")
    assert "{'x': ((1, 48, 192, 3), 'uint8')}" in told
    assert "cast to the model's float32 without scaling" in told
    assert len(re.findall(r"-?\d+\.\d?", told.partition("The scores of a frame: ")[2])) == 10


def test_compile_aimet(run: RunScript) -> None:
    (size, of_floats) = re.findall(r"\d+", run("compile_aimet").partition(": ")[2])
    assert int(size) < int(of_floats) / 2
    image = {"x": np.random.default_rng(0).random((1, 3, 48, 192), np.float32)}
    (quantized,), (expected,) = (
        load(path).run(["y"], image) for path in ("compiled/from_aimet.onnx", "model.onnx")
    )
    assert 0 < np.abs(quantized - expected).max() < 0.2


def test_profile_on_devices(run: RunScript) -> None:
    lines = run("profile_on_devices").splitlines()[1:]
    assert {line[:18] for line in lines} == {f"Samsung Galaxy S{n}" for n in (23, 24, 25)}
    assert all(re.search(r" \d+\.\d{3} ms +\d+\.\d MB  CPU \d+$", line) for line in lines)


def test_profile_to_json(run: RunScript) -> None:
    told = run("profile_to_json")
    assert "not measured on a device" in told
    assert re.search(r"^ +\d+ µs  Conv on CPU$", told, re.MULTILINE)
    summary = json.loads(Path("profile.json").read_text("utf-8"))["execution_summary"]
    assert told.endswith(
        f"profile.json: {summary['estimated_inference_time']} µs for an inference\n"
    )


def test_run_inference(run: RunScript) -> None:
    told = run("run_inference")
    errors = re.findall(r"^class (\d) there, (\d) here, differ by (\S+)$", told, re.MULTILINE)
    assert len(errors) == 4
    assert all(there == here and float(error) < 1e-4 for there, here, error in errors)
    with h5py.File("outputs.h5") as file:
        assert len(file["data/0"]) == 4


def test_quantize_and_compare(run: RunScript) -> None:
    told = re.findall(
        r"^(w\S+) +(\S+) kB   y: (\S+) dB$", run("quantize_and_compare"), re.MULTILINE
    )
    found = {scheme: (float(size), float(decibels)) for scheme, size, decibels in told}
    assert list(found) == ["w8a8", "w8a16", "w4a16"]
    assert found["w4a16"][0] < found["w8a8"][0] < Path("model.onnx").stat().st_size / 2000
    assert found["w8a16"][1] > found["w8a8"][1] > 30


def test_link_prompt_and_token(run: RunScript) -> None:
    assert run("make_language_model") == "Wrote prompt.onnx and token.onnx\n"
    linked, answer = run("link_prompt_and_token").splitlines()
    assert linked == "linked/language_model.bin"
    prompt = re.search(
        r"PROMPT = (\[.*\])", (EXAMPLES / "link_prompt_and_token.py").read_text("utf-8")
    )
    assert prompt is not None
    assert answer == f"The answer: {answer_here(json.loads(prompt[1]))}"


def load(path: str) -> Any:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def answer_here(prompt: list[int]) -> list[int]:
    """What the parts write on the CPU of this machine."""
    cache = [np.zeros((16, 32), np.float32)] * 2
    answer: list[int] = []
    for part in ("prompt", "token", "token"):
        ids = np.array(answer[-1:] or prompt, np.int32)
        given = {"ids": ids, "past_k": cache[0], "past_v": cache[1]}
        logits, *new = load(f"{part}.onnx").run(None, given)
        cache = [np.concatenate(pair)[-16:] for pair in zip(cache, new, strict=True)]
        answer.append(int(logits[-1].argmax()))
    return answer


def test_choose_devices(run: RunScript) -> None:
    told = run("choose_devices", "chipset:qualcomm-snapdragon-8gen3", "os:android")
    devices, _, rest = told.partition("Attributes:\n")
    assert "  Samsung Galaxy S24, with version 14\n" in devices
    assert "Samsung Galaxy S23" not in devices
    assert "  os: android, " in rest
    assert re.search(r"^  onnxruntime \d", rest, re.MULTILINE)


def test_manage_job(run: RunScript, reader: Client) -> None:
    told = run("manage_job", COLLEAGUE)
    job_id = re.findall(r"^Submitted (\w+), ", told)[0]
    assert "It ended with SUCCESS\n" in told
    assert f"Shared with {COLLEAGUE}\n" in told
    job = reader.get_job(job_id)
    assert (job.name, job.get_sharing()) == ("classifier, first try", [])
    (other,) = reader.get_job_summaries(name="another")
    assert told.endswith(f"The other one: {reader.get_job(other.job_id).get_status()}\n")


def test_watch_jobs_and_download_results(run: RunScript, reader: Client) -> None:
    device = qai_hub.Device("Samsung Galaxy S24")
    job: Any = reader.submit_compile_job(
        "model.onnx", device, name="watched", options="--target_runtime onnx"
    )
    failing: Any = reader.submit_compile_job("model.onnx", device, options="--qnn_options nonsense")
    told = run("watch_jobs")
    assert job.get_status().success
    states = Counter(each.status.code for each in reader.get_job_summaries(limit=50))
    assert ", ".join(f"{states[code]} {code}" for code in sorted(states)) in told.splitlines()
    assert f"{failing.job_id} {failing.name}: {failing.get_status().message}\n" in told

    files = run("download_results", job.job_id).splitlines()
    assert files[0] == f"{job.job_id} watched: SUCCESS"
    listed = {Path(line.split()[0]) for line in files[1:]}
    assert listed == set(Path("results", job.job_id).iterdir())
    assert {".onnx", ".log"} <= {path.suffix for path in listed}


def test_an_interrupted_batch_is_resumed(
    run: RunScript, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, submitted = qai_hub.submit_inference_job, list[Any]()

    def interrupt(*args: Any, **kwargs: Any) -> Any:
        submitted.append(submit(*args, **kwargs))
        if len(submitted) == 7:
            # The seventh job exists, and the script does not know.
            raise KeyboardInterrupt
        return submitted[-1]

    monkeypatch.setattr(qai_hub, "submit_inference_job", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run("resume_batch")
    first = "7 of 20 jobs were submitted before\n20 of 20 outputs are in the folder batch\n"
    assert run("resume_batch").endswith(first)
    assert run("resume_batch").startswith("20 of 20 jobs were submitted before\n")
    assert len(submitted) == 20
    names = Counter(each.name for each in reader.iter_job_summaries(name="brightness-1/"))
    assert set(names.values()) == {1}
    assert len(names) == 21


def test_use_tokens(run: RunScript, lh: LocalHub) -> None:
    default, by_token, profile, refused = run("use_tokens", "colleague").splitlines()
    assert default == f"default: {READER} at {lh.url}"
    assert by_token.startswith(f"by token: {READER} at {lh.url}, ")
    assert profile == f"profile colleague: {COLLEAGUE} at {lh.url}"
    assert refused.startswith("  There is no job j00000000 that you may see")
