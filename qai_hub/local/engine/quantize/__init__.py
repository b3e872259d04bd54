"""Quantization: encodings, Q and DQ nodes, and the accuracy of the result."""
