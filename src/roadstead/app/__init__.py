"""The composition roots: they alone read the settings, build adapters and features, and wire them together."""
