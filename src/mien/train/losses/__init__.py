"""Losses: logits (N, C) and targets (N, C) to a mean over the batch.

Targets are soft: a row need not be one class, and with class weights its sum need not be one. All losses are linear in
the targets, and compute in float32 whatever the logits are.
"""
