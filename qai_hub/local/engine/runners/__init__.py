"""Runners that execute models on the CPU, by ONNX Runtime or LiteRT, and profile them."""
