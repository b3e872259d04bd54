"""Times two calls of the installed client, ours or the official one.

    python measure_calls.py URL SECONDS [WIRE]

Prints, in microseconds, the first deciles of the processor times of `get_job` and of
`get_job_summaries(limit=1000)`, as JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import qai_hub as hub


def first_decile(call: Callable[[], object], seconds: float) -> float:
    """Returns the first decile of the processor times of a call, in microseconds, once it is warm.

    Processor time leaves out the server, and what others have the processor for. The slower calls
    are those that this affects all the same.
    """
    call(), call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 10:
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return sorted(times)[len(times) // 10] * 1e6


def client_of(url: str, *wire: str) -> hub.Client:
    """Returns a client of the server; a wire can be chosen for our client only."""
    extra: dict[str, Any] = {"wire": wire[0]} if wire else {}
    config = hub.ClientConfig(
        api_token="of-no-hub",  # noqa: S106 - of a server that asks for none
        api_url=url,
        web_url=url,
        verbose=False,
        **extra,
    )
    return hub.Client(config=config)


def main(url: str, seconds: float, *wire: str) -> None:
    """Measures, and prints the results as JSON."""
    client = client_of(url, *wire)
    found = {
        "get_job": first_decile(lambda: client.get_job("jabcdefgh"), seconds),
        "1000 summaries": first_decile(lambda: client.get_job_summaries(limit=1000), seconds),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:])
