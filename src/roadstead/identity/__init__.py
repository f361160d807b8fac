"""Identities: from the first component of a name to the account that it means."""
