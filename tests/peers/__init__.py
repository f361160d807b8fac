"""The real foreign programs that the tests talk to, and how each is brought to this machine.

Owns: the one table of peers with their pinned versions (`table`), the three ways to get one (`debian`, `golang`,
`node`), and the command `python -m tests.peers setup|list [NAME…]`. Does not own: how a peer is run (`tests/rig`), nor
what is asked of it (`tests/peer`). Standard library only: a machine can be prepared before any dependency is there.
"""
