#!/bin/sh
# Build the container image: fetch the wheels by their hashes, then build examples/Dockerfile with them as its context.
#
#   examples/build.sh -t roadstead                                    with docker
#   BUILDER='podman build --format docker' examples/build.sh -t roadstead
#   BASE=registry.internal/python:3.11 examples/build.sh -t roadstead
#
# The wheels are for the Python that fetches them ($PYTHON), so that BASE has to have the same one (3.11, say).
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
wheels=$(realpath -m "${WHEELS:-build/wheels}")
base=${BASE:-$("$python" -c 'import sys; print("python:%d.%d-slim" % sys.version_info[:2])')}

rm -rf "$wheels" "$wheels.builder" "$wheels.source"
fetch() { "$python" -m pip download --quiet --require-hashes --only-binary :all: "$@"; }
fetch -r requirements/run.txt -d "$wheels"
# The builder of the package itself comes by its hash too, and from nowhere else.
fetch -r requirements/build.txt -d "$wheels.builder"
# From a copy: a build leaves its files where it runs, and a later one would take stale ones from there.
mkdir "$wheels.source"
cp -R pyproject.toml README.md LICENSE src "$wheels.source"
"$python" -m pip wheel --quiet --no-deps --no-index --find-links "$wheels.builder" -w "$wheels" "$wheels.source"

# $BUILDER is a command with its options: it has to be split into words.
# shellcheck disable=SC2086
exec ${BUILDER:-docker build} --build-arg "BASE=$base" -f examples/Dockerfile "$@" "$wheels"
