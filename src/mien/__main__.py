"""``python -m mien`` is the command ``mien``."""

from mien.cli.app import main

main()
