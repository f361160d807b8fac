"""What the OCI specifications name: digests, references, descriptors, manifests, ranges."""
