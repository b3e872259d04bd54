"""Conversion between the JSON of the contract and protobuf messages.

`make generate` compiles the descriptor and the table of operations from `openapi.yaml`. The first
use of this package imports protobuf.
"""

from qai_hub.wire.codec import decode, decode_model, encode, parse, read_message, to_json
from qai_hub.wire.descriptor import WireError

__all__ = ["WireError", "decode", "decode_model", "encode", "parse", "read_message", "to_json"]
