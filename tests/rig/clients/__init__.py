"""The foreign clients, each with a home of its own, so that none sees this machine's settings or another's login.

One class a client; `run` takes the client's own arguments and adds only what it needs on a machine like this one (root,
no systemd, plain HTTP on loopback). `login` is as the client's users do it.
"""
