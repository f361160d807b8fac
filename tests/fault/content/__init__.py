"""Faults under the content store."""
