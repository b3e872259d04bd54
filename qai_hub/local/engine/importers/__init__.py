"""Importers that convert submitted models to ONNX."""
