"""Times the decoding and encoding alone, of our client or of the official one.

    python measure_messages.py FOLDER ours|official SECONDS

Prints the first decile of the times of each operation, in microseconds, as JSON.
"""

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from measure_calls import first_decile

Timed = tuple[str, Callable[[], object]]
MESSAGES = {"job": "Job", "summaries": "JobSummaryList"}


def ours(folder: Path) -> Iterator[Timed]:
    """Yields decoding to generated models, and encoding from their JSON."""
    from qai_hub_api import models

    from qai_hub import wire

    def from_json(model: Any, content: bytes) -> object:  # noqa: ANN401 - a generated class
        return model.from_dict(json.loads(content))

    for name, message in MESSAGES.items():
        text, content = ((folder / f"{name}.{s}").read_bytes() for s in ("json", "pb"))
        value, full = json.loads(text), f"qai_hub.api.{message}"
        model = getattr(models, message)
        yield f"decode {name}, JSON", partial(from_json, model, text)
        yield f"decode {name}, protobuf", partial(wire.decode_model, full, content)
        yield f"encode {name}, JSON", partial(json.dumps, value)
        yield f"encode {name}, protobuf", partial(wire.encode, full, value)


def official(folder: Path) -> Iterator[Timed]:
    """Yields decoding to messages, and encoding from messages."""
    from qai_hub import public_api_pb2

    for name, message in MESSAGES.items():
        content = (folder / f"{name}.pb").read_bytes()
        kind = getattr(public_api_pb2, message)
        parsed = kind.FromString(content)
        yield f"decode {name}", partial(kind.FromString, content)
        yield f"encode {name}", parsed.SerializeToString


def main(folder: str, client: str, seconds: float) -> None:
    """Measures, and prints the results as JSON."""
    calls = {"ours": ours, "official": official}[client](Path(folder))
    print(json.dumps({name: first_decile(call, seconds) for name, call in calls}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
