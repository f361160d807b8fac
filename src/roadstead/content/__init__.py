"""The one content store: bytes under the name of their digest, and the resumable uploads that bring them in.

Owns files and their durability. Knows nothing of repositories, rights or SQL: who may see a digest is decided
by the links in the index, and what the store holds without a row there is not visible to anybody.
"""
