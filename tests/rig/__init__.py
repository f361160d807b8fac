"""What the tests stand on: servers, databases, disks, images and clients, all real, each with one noun a file.

`tests/conftest.py` gives them as fixtures. Nothing here asserts about Roadstead; it starts, stops and makes things, and
says clearly what went wrong when that fails.
"""
