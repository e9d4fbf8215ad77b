"""The command ``mien``: one file per verb, thin: parse, call the library, print.

Whatever is slow to import is imported inside the command functions, so that ``mien --help`` is quick.
"""
