"""Run model files: faces in, answers out. Needs ONNX Runtime, and knows nothing of how models are made."""
