"""How biases are searched: one method per file, named in ``mien.bias.search.METHODS``."""
