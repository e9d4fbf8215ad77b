"""What everybody who uses the server is told: in the page, the description, a field of each answer and a header."""

from __future__ import annotations

from mien.card import FORBIDDEN_USE, INTENDED_USE

#: One line for people, with every answer.
NOTICE = "Perceived expressions: what people would see in a face. " + FORBIDDEN_USE
#: For a header: ASCII, short.
SHORT = "perceived expression, not feelings; not for decisions about people"

PURPOSE = f"""{INTENDED_USE} {FORBIDDEN_USE}

Pictures are read in memory, and neither kept nor written to a log. Nothing is sent elsewhere.

**Errors** have one shape: `{{"error": {{"status": 413, "code": "too_many_pixels", "message": "…"}}}}`. `code` is for
programs and stays the same. 429 comes with `Retry-After`, in seconds: the request was not served, send it again.

**Token**: where the server has one, `Authorization: Bearer TOKEN`.

**Live**: the WebSocket `/live?model=NAME&smooth_s=0.3` takes one frame (JPEG, PNG or WebP) per binary message, and
answers with one JSON message per frame it has read. It never lags: of frames that come faster than they are read, only
the latest is. It begins with

    {{"type": "ready", "model": "default", "labels": ["angry", …], "notice": "…"}}

and goes on with

    {{"type": "readings", "frame": 12, "skipped": 3, "time_s": 0.512, "size_px": [640, 480], "work_ms": 9.1,
      "faces": [{{"track": 1, "face": {{"box": [x1, y1, x2, y2], "score": 0.93, "landmarks": […]}},
                 "expression": {{"label": "happy", "confidence": 0.97, "abstained": false, "probabilities": {{…}}}}}}]}}

`frame` counts the binary messages from 0, `skipped` those left out since the answer before, `track` numbers the people.
A frame that cannot be read gives `{{"type": "error", "frame": 13, "error": {{…}}}}`, and the connection goes on.
Browsers send a token as subprotocol: `new WebSocket(url, ["mien.v1", "bearer." + token])`.
"""
