"""Roadstead: a container registry you own, that keeps working when the network does not."""

__version__ = "0.1.0"
