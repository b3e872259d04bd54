"""Runs a hub on a disk of a few megabytes, fills that, and tells what becomes of jobs.

    python run_on_small_disk.py FOLDER ROOM

The folder is on that disk; ROOM are the bytes that are left free.
"""

import json
import os
import sys
from pathlib import Path

from support.tiny_models import affine

from qai_hub.client import Client, CompileJob, Device, Model
from qai_hub.errors import Error
from qai_hub.local import LocalHub


def submitted(client: Client, model: Model, batch: int) -> CompileJob:
    specs = {"x": (batch, 4)}
    options = "--target_runtime onnx"
    return client.submit_compile_job(model, Device("Samsung Galaxy S24"), "job", specs, options)


def ended(client: Client, job: CompileJob) -> str:
    """Wait for the end of a job; return how it has ended."""
    job.wait(30)
    found = client.get_job(job.job_id)
    return f"{found.failure_type or 'SUCCESS'}: {found.get_status().message}"


def on_a_full_disk(client: Client, model: Model) -> CompileJob | str:
    """Submit a job that may wait for room; return it, or why it was refused."""
    try:
        job = submitted(client, model, 2)
        job.wait(2)
    except TimeoutError:
        pass
    except Error as error:
        return str(error)
    return job


def main(folder: Path, room: int) -> None:
    """Run jobs before, while and after the disk is full."""
    with LocalHub(folder / "data", cache=False) as hub, hub.client() as client:
        model = client.upload_model(affine(batch="n"), "model")
        told = [ended(client, submitted(client, model, 1))]
        filler, disk = folder / "filler", os.statvfs(folder)
        filler.write_bytes(b"0" * (disk.f_bavail * disk.f_frsize - room))
        job = on_a_full_disk(client, model)
        filler.unlink()
        told.append(job if isinstance(job, str) else ended(client, job))
        told.append(ended(client, submitted(client, model, 3)))
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
