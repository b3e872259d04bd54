"""What clients write to stderr, if they are asked to."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from support.tiny_models import affine
from support.users import ME

import qai_hub as hub
from qai_hub.client import Client, Device
from qai_hub.local import LocalHub


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def whole_session(client: Client, device: Device, folder: Path) -> None:
    """Uploads, submits, waits and downloads, one job of which fails."""
    batch = {"x": [np.ones((1, 4), np.float32)]}
    dataset = client.upload_dataset(batch)
    compiled = client.submit_compile_job(affine(), device, input_specs={"x": (1, 4)})
    target = compiled.get_target_model()
    run = client.submit_inference_job(
        target, device, dataset, options="--max_profiler_iterations 2"
    )
    failing = client.submit_compile_job(
        affine(), device, options="--target_runtime qnn_lib_aarch64_android"
    )
    hub.wait_all([run, failing, compiled])
    for job in (compiled, run, failing):
        job.wait()
        job.download_results(str(folder / job.job_id))
        job.download_job_logs(str(folder / job.job_id))
    run.download_output_data()
    client.get_job_summaries()
    with pytest.raises(hub.UserError):
        client.get_job("jnothing1")


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("terminal", [False, True])
def test_a_session_writes_what_it_is_asked_to_and_where(
    lh: LocalHub, device: Device, tmp_path: Path, *, verbose: bool, terminal: bool
) -> None:
    client = lh.client(ME)
    client.set_verbose(verbose)
    kind = Terminal if terminal else io.StringIO
    out, err = kind(), kind()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        whole_session(client, device, tmp_path)
    assert out.getvalue() == ""
    written = err.getvalue()
    if not verbose:
        assert written == ""
        return
    lines = re.sub(r"\x1b\[\d*m", "", written).splitlines()
    submitted = [line for line in lines if line.startswith("Submitted ")]
    kinds = [line.split()[1] for line in submitted]
    assert kinds == ["compile", "inference", "compile"]
    assert f'"affine": {lh.url}/jobs/j' in submitted[0]
    # Each end is told once, however often the job is waited for.
    ends = [line for line in lines if re.search(r"(SUCCESS|FAILED).*queued 0:0", line)]
    assert len(ends) == 3
    assert sum("cannot compile for the runtime" in line for line in ends) == 1
    assert any("- INFO: Measured on the CPU" in line for line in lines)
    assert lines[-1].endswith("3 of 3 jobs ended, 1 failed")
    if not terminal:
        assert all(line.isprintable() for line in lines)
