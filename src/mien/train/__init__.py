"""Training: the only folder that imports torch. What is trained here leaves it as an ONNX file."""
