"""Converts ONNX models to TensorFlow Lite, in the environment of the engine `tflite`."""
