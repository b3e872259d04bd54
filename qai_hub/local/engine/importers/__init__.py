"""Models as they are submitted, made into ONNX."""
