"""Backbones: images (N, C, H, W) to features (N, F), each with an attribute ``num_features``."""
