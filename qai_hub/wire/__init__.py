"""The contract's JSON as protobuf, and back.

Descriptor and operations come from `openapi.yaml`, compiled by `make generate`. The first use of
this package loads protobuf.
"""

from qai_hub.wire.codec import decode, encode, parse, read_message, to_json
from qai_hub.wire.descriptor import WireError

__all__ = ["WireError", "decode", "encode", "parse", "read_message", "to_json"]
