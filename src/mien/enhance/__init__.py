"""Make small faces larger and clearer. Runs model files; knows nothing of how they were trained, and no torch."""
