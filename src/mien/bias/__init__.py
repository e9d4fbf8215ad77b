"""Biases per class, found on saved scores and checked on rows that did not choose them."""
