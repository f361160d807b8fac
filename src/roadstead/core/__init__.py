"""The pure heart: parsed types, state machines and decisions.

Nothing here opens a file or a socket, reads the clock, draws a random number or logs: time, randomness
and limits are arguments. Everything else in Roadstead may import this package; it imports nothing of it.
"""
