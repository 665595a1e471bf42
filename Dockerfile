# syntax=docker/dockerfile:1
# One image for every part of Firstread; docker-compose.yml says which part a container runs.
FROM python:3.11-slim-bookworm AS build

# cpu or gpu. With gpu the same release of ONNX Runtime is installed as its CUDA build; the host
# needs NVIDIA's driver and container toolkit.
ARG ONNXRUNTIME=cpu

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/firstread
COPY requirements.lock /src/
RUN /opt/firstread/bin/pip install --require-hashes -r /src/requirements.lock
RUN if [ "$ONNXRUNTIME" = gpu ]; then \
        release=$(/opt/firstread/bin/python -c "from importlib.metadata import version; print(version('onnxruntime'))") \
        && /opt/firstread/bin/pip uninstall --yes onnxruntime \
        && /opt/firstread/bin/pip install "onnxruntime-gpu[cuda,cudnn]==$release"; \
    fi
COPY . /src/
RUN /opt/firstread/bin/pip install --no-deps /src
# Programs of pynetdicom that hide dcmtk's of the same name: see the Makefile.
RUN cd /opt/firstread/bin && rm -f echoscp echoscu findscu getscu movescu qrscp storescp storescu

FROM python:3.11-slim-bookworm

RUN groupadd --gid 10001 firstread \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin firstread \
    && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/firstread
COPY --from=build /opt/firstread /opt/firstread
ENV PATH=/opt/firstread/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/firstread
EXPOSE 11112 2576 8470
CMD ["firstread", "--help"]
