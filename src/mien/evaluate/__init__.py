"""Numbers from scores: metrics with intervals, and the run of a model over a manifest that makes the scores."""
