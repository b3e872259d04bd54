"""Quantization: encodings, QDQ nodes and how close the result is."""
