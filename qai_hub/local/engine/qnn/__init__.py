"""Qualcomm's runtime, QNN, via its ONNX Runtime execution provider: compile, link and simulate.

No other package uses that provider.
"""
