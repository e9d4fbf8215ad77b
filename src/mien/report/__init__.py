"""Pictures for people: curves, matrices, contact sheets. The only folder that imports matplotlib."""
