"""What is claimed about speed, as ratios against distribution v3 in one run: `python -m bench`.

Both servers run side by side on one disk, idle while the other works, both with tokens (ES256) and both with fsync;
each case is measured on the one and the other in turn, several times, and medians are compared.
"""
