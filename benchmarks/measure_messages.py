"""Times decoding and encoding alone, as our client does it, and as the official one.

    python measure_messages.py FOLDER ours|official SECONDS

Prints the median times in microseconds.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from measure_calls import median

MESSAGES = {"job": "Job", "summaries": "JobSummaryList"}


def ours(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """To the generated models, and from their JSON to bytes."""
    from qai_hub_api import models

    from qai_hub import wire

    for name, message in MESSAGES.items():
        text, content = ((folder / f"{name}.{s}").read_bytes() for s in ("json", "pb"))
        value, full = json.loads(text), f"qai_hub.api.{message}"
        model = getattr(models, message)
        yield f"decode {name}, JSON", lambda t=text, m=model: m.from_dict(json.loads(t))
        yield (
            f"decode {name}, protobuf",
            lambda c=content, f=full, m=model: m.from_dict(wire.decode(f, c)),
        )
        yield f"encode {name}, JSON", lambda v=value: json.dumps(v).encode()
        yield f"encode {name}, protobuf", lambda v=value, f=full: wire.encode(f, v)


def official(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """To messages, and from messages to bytes."""
    from qai_hub import public_api_pb2

    for name, message in MESSAGES.items():
        content = (folder / f"{name}.pb").read_bytes()
        kind = getattr(public_api_pb2, message)
        parsed = kind.FromString(content)
        yield f"decode {name}", lambda c=content, k=kind: k.FromString(c)
        yield f"encode {name}", parsed.SerializeToString


def main(folder: str, client: str, seconds: float) -> None:
    """Measures, and prints what it found as JSON."""
    calls = {"ours": ours, "official": official}[client](Path(folder))
    print(json.dumps({name: median(call, seconds) for name, call in calls}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
