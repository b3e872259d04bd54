"""Measures the cost of each wire: our client with JSON and with protobuf, and the official client.

    python benchmarks/wire.py --official-python .venv-official/bin/python

A server on this machine sends prepared responses, from a job that really ran on a local hub. The
clients take turns, so that other load on the machine affects all of them, and report the first
decile of their processor times. The results are the ratios to the official client.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import trustme
from onnx import TensorProto, helper

import qai_hub as hub
from qai_hub import wire
from qai_hub.local import LocalHub

HERE = Path(__file__).parent
OFFICIAL = "official"
Times = dict[str, float]


def make_bodies(folder: Path) -> None:
    """Runs an inference job on a local hub, and saves the hub's responses for each wire."""
    with LocalHub(data_dir=folder / "hub") as lh:
        client = lh.client()
        device = hub.Device("Samsung Galaxy S24")
        model = client.upload_model(affine())
        job = client.submit_inference_job(model, device, {"x": [np.zeros((1, 4), np.float32)]})
        assert job.wait(60).success, job.get_status()
        headers = {"Authorization": f"token {lh.token()}"}
        with httpx.Client(base_url=f"{lh.url}/api/v1/", headers=headers) as api:
            found = api.get(f"jobs/{job.job_id}/").json()
            (summary,) = api.get("job_summaries/?limit=1").json()["job_summaries"]
    summaries: dict[str, Any] = {"job_summaries": [numbered(summary, i) for i in range(1000)]}
    summaries["total_query_count"] = 1000
    for name, message, value in (
        ("job", "Job", found),
        ("summaries", "JobSummaryList", summaries),
    ):
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
        (folder / f"{name}.pb").write_bytes(wire.encode(f"qai_hub.api.{message}", value))


def affine() -> onnx.ModelProto:
    """Returns a model of one layer."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy"]
    node = helper.make_node("Relu", ["x"], ["y"])
    graph = helper.make_graph([node], "relu", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def numbered(summary: dict[str, Any], index: int) -> dict[str, Any]:
    """Returns a copy of a summary with a unique identifier and name."""
    inner = {**summary["inference_job_summary"], "job_id": f"j{index:07}", "name": f"job {index}"}
    return {**summary, "inference_job_summary": inner}


@contextmanager
def served(folder: Path, *certificate: Path) -> Iterator[int]:
    """Runs the server during a block; yields its port."""
    command = [sys.executable, str(HERE / "canned_server.py"), str(folder), *map(str, certificate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield int(server.stdout.readline())
        finally:
            server.terminate()


def run(python: str, script: str, *arguments: object, trust: Path) -> str:
    """Runs a script of this folder with an interpreter, and returns its output."""
    trusted = {"SSL_CERT_FILE": str(trust), "REQUESTS_CA_BUNDLE": str(trust)}
    command = [python, str(HERE / script), *map(str, arguments)]
    environment = {**os.environ, **trusted}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def processor_time_of_children() -> float:
    """Returns the seconds of processor time that the ended processes of this one took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(client: Sequence[str], url: str, seconds: float, trust: Path) -> Times:
    """Returns the processor times of calls of a client, and of a process that makes one."""
    python, *wire = client
    began = processor_time_of_children()
    run(python, "first_call.py", url, *wire, trust=trust)
    started = processor_time_of_children() - began
    times: Times = json.loads(run(python, "measure_calls.py", url, seconds, *wire, trust=trust))
    return {**times, "process with one": started * 1e6}


def show(title: str, rounds: list[dict[str, Times]]) -> None:
    """Prints the medians over the rounds, of the times and of the ratios to the official client."""
    print(f"\n{title}")
    names, calls = rounds[0], rounds[0][OFFICIAL]
    print(f"  {'':<18}" + "".join(f"{call:>24}" for call in calls))
    for name in names:
        cells = ""
        for call in calls:
            taken = statistics.median(found[name][call] for found in rounds)
            ratio = statistics.median(found[name][call] / found[OFFICIAL][call] for found in rounds)
            cells += f"{taken:>12.0f} µs  × {ratio:<7.2f}"
        print(f"  {name:<18}{cells}")


def main() -> None:
    """Measures, and prints the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--official-python", required=True, help="with the official client")
    parser.add_argument("--rounds", type=int, default=7, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=0.5, help="a call (%(default)s)")
    options = parser.parse_args()
    clients = {
        OFFICIAL: (options.official_python,),
        "ours, JSON": (sys.executable, "json"),
        "ours, protobuf": (sys.executable, "protobuf"),
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_bodies(folder)
        authority = trustme.CA()
        trust, certificate, key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        authority.cert_pem.write_to_path(trust)
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_pem.write_to_path(key)
        issued.cert_chain_pems[0].write_to_path(certificate)
        for scheme, extra in (("http", ()), ("https", (certificate, key))):
            with served(folder, *extra) as port:
                url = f"{scheme}://127.0.0.1:{port}"
                rounds = [
                    {name: measure(c, url, options.seconds, trust) for name, c in clients.items()}
                    for _ in range(options.rounds)
                ]
            show(f"A call over {scheme}", rounds)
        print("\nDecoding and encoding alone")
        for name, python in ((OFFICIAL, options.official_python), ("ours", sys.executable)):
            printed = run(python, "measure_messages.py", folder, name, options.seconds, trust=trust)
            for call, taken in json.loads(printed).items():
                print(f"  {name:<10}{call:<30}{taken:>12.1f} µs")


if __name__ == "__main__":
    main()
