"""The clients that people use, against a real server with authentication: one file a client.

`pytest tests/peer --referee` runs the same tests against distribution.
"""
