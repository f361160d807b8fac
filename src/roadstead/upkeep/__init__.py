"""The jobs of an operator: collecting garbage, reading back, rebuilding the index, adopting, backing up."""
