"""A bound on how much is open at once, of all clients and of any one: for what lasts as long as its client likes."""

from __future__ import annotations

from collections import Counter


class Slots:
    """The slots of one process.

    Args:
        most: open at once.
        most_of_one: of them, of one client.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._taken: Counter[str] = Counter()

    def take(self, whom: str) -> bool:
        """Takes a slot for a client, if there is one; whoever has it gives it back."""
        if self._taken.total() >= self._most or self._taken[whom] >= self._most_of_one:
            return False
        self._taken[whom] += 1
        return True

    def give_back(self, whom: str) -> None:
        """Ends what `take` allowed."""
        self._taken[whom] -= 1
        self._taken += Counter()  # forgets who has none
