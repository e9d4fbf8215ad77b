"""Variation of training images, whole batches at a time.

Random numbers come from a CPU generator that is handed in, so that the same seed gives the same draws on every
device, and a resumed run the same images as an uninterrupted one.
"""
