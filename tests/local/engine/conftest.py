import os

# Official builds of ONNX Runtime report their use to their maker unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
