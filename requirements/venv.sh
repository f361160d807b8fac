#!/bin/sh
# Make the virtual environment $1 with the Python that $PYTHON names (3.11 or newer).
set -eu
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "setup: $python is not Python 3.11 or newer; install one, or name it: make PYTHON=/path/to/python3.11 …" >&2
    exit 1
}

# Debian's python3 comes without ensurepip, so venv fails there; the others need no root either.
if [ ! -x "$1/bin/pip" ]; then
    echo "setup: making $1"
    "$python" -m venv "$1" >/dev/null 2>&1 ||
        "$python" -m virtualenv --quiet "$1" 2>/dev/null ||
        { "$python" -m venv --clear --without-pip "$1" &&
            "$python" -m pip --python "$1/bin/python" install --quiet pip; } 2>/dev/null || {
        rm -rf "$1"
        echo "setup: $python cannot make a virtual environment with pip; on Debian or Ubuntu: apt-get install python3-venv" >&2
        exit 1
    }
fi
