"""Draw faces of nobody. Runs generators' model files; knows nothing of how they were trained, and no torch.

generator.py   a model file -> pictures, by class, number and seed
plan.py        what is wanted: a YAML file or options, checked
sample.py      a plan -> a folder of pictures and its manifest
distance.py    FID, KID, precision and recall of features; measure.py: of two manifests
screen.py      which drawn faces to keep; rules.py: the checks, survey.py: what is measured for them
mix.py         a manifest of photographs and one of drawn faces -> one to train on
"""
