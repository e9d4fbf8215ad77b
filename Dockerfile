# The server of mien in a container. Listens on all of the container's addresses, and therefore wants a token:
#
#   docker build -t mien .
#   docker run --read-only --cap-drop ALL -e MIEN_TOKEN -p 127.0.0.1:8000:8000 mien
#
# For reading in the browser as well, run `make web-assets` before. See docs/guides/serve.md.

FROM python:3.12-slim AS build
WORKDIR /build
COPY requirements/serve.txt requirements/tools.txt requirements/
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/serve.txt \
    && pip install --no-cache-dir --require-hashes -r requirements/tools.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
    && /venv/bin/pip install --no-cache-dir --no-deps --no-index dist/*.whl

FROM python:3.12-slim
COPY --from=build /venv /venv
# /models: a folder with model files of your own, to be named after the image; without it the shipped model is served
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MIEN_MODELS=/models
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["mien", "serve", "--host", "0.0.0.0"]
