"""Qualcomm's runtime, QNN, through ONNX Runtime's provider for it: compiling, linking, simulating.

Nothing outside of this package speaks to that provider.
"""
