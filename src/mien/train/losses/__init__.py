"""Losses: logits (N, C) and soft targets (N, C), rows summing to one, to a mean over the batch."""
