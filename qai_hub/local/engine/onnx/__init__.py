"""ONNX models: opening, preparing, editing and running them."""
