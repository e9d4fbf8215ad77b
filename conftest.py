"""Doctests of the light side run with the base dependencies alone; those of the training side need torch."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["src/mien/train/*", "src/mien/report/*"]
