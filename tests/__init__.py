"""The tests of Roadstead: a package, so that they can share their rig and mypy sees one name a file."""
