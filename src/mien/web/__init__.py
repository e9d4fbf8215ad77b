"""The server: models behind HTTP and WebSocket, on one machine, with nothing kept.

    POST   /predict                      pictures in, readings out              routes.py
    POST   /predict/video                a video in, a job out; then            jobs.py
    GET    /predict/video/{job}          its progress
    GET    /predict/video/{job}/result   its readings
    DELETE /predict/video/{job}          forget it
    WS     /live                         frames of a camera in, readings out    live.py
    GET    /models, /models/{name}/file  what is served, and the model files    routes.py
    GET    /health, /metrics             for whoever watches the service        routes.py
    GET    /, /static/…, /openapi.json   the page and the description

How a request goes: ``guard`` (host, token, rate) -> route -> ``gate`` (how much at a time) -> ``upload`` (into memory,
never a file) -> ``pictures`` (is this a picture, and of what size?) -> ``engine`` (threads that decode and look for
faces) -> ``batching`` (one run of the network for all that wait) -> JSON. Whatever is refused is a ``Problem``: one
shape, with a status, a code and the way out.

This layer does not know torch, and writes neither pictures nor names of files anywhere.
"""
