"""Who somebody is, and the tokens that say so: accounts, passwords, app passwords, grants, tokens and limits.

What they may then do is decided in `roadstead.core.access.rights`.
"""
