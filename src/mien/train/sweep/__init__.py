"""Search values of a recipe: space (what), study (which next), crew and worker (who), outcome (what came of it).

Loads no torch, but for the worker's process.
"""
