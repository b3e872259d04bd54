"""Models that run: on the CPU by ONNX Runtime, or by LiteRT."""
