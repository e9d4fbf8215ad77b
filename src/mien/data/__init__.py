"""Make and check manifests: read data sources, split, count, audit.

    sources/   folder, csv, fer2013, npz -> Manifest
    toy.py     drawn faces -> files and Manifest
    split.py   who goes into train, val and test
    stats.py   what is in a manifest
    audit.py   what is wrong with it (hashes.py: pictures that are alike)
    cache.py   decoded faces for training
    faces.py   the faces of a manifest, one per row, read in threads

This layer does not know any model, and never changes a picture that it did not write itself.
"""
