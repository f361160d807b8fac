"""Who may do what: accounts' names, scopes, tokens, limits, and the one decision."""
