# One image for all services; docker-compose.yml has the command of each.
#   docker build .                  trains on CPUs
#   docker build --target gpu .     trains on NVIDIA GPUs, whose libraries come as wheels

FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/stackyard/bin:$PATH

# --- dependencies: pinned, with verified hashes; uv is not copied out of these stages

FROM base AS packages
COPY requirements/bootstrap.txt /requirements/
RUN pip install --no-cache-dir --require-hashes -r /requirements/bootstrap.txt \
    && python -m venv --without-pip /opt/stackyard
COPY requirements/server.txt /requirements/
RUN uv pip install --no-cache --compile-bytecode --python /opt/stackyard/bin/python \
    --require-hashes -r /requirements/server.txt

FROM packages AS packages-gpu
COPY requirements/gpu.txt /requirements/
RUN uv pip install --no-cache --compile-bytecode --python /opt/stackyard/bin/python \
    --require-hashes -r /requirements/gpu.txt

# --- the code of the server, run from where it lies

FROM scratch AS code
WORKDIR /app
COPY pyproject.toml alembic.ini LICENSE ./
COPY stackyard stackyard
COPY models models
COPY service service
COPY api api
COPY worker worker
COPY migrations migrations
COPY web web

# --- the server, without pip and setuptools of the base image

FROM base AS server
RUN useradd --system --uid 10001 --create-home stackyard \
    && install --directory --owner=stackyard --mode=0700 /data \
    && rm -rf /usr/local/bin/pip* /usr/local/lib/python3.11/site-packages/* /usr/local/lib/python3.11/ensurepip
WORKDIR /app
ENV STACKYARD_DATA_DIR=/data PYTHONPATH=/app
VOLUME /data
EXPOSE 8000
USER stackyard
CMD ["python", "-m", "api", "--host", "0.0.0.0", "--port", "8000"]

# The packages are below the code, so that a change of the code leaves their layer as it is.
FROM server AS gpu
COPY --from=packages-gpu /opt/stackyard /opt/stackyard
COPY --from=code /app /app

# The last stage is the default target.
FROM server AS cpu
COPY --from=packages /opt/stackyard /opt/stackyard
COPY --from=code /app /app
