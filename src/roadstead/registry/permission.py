"""Whether a request is still permitted at its end: a body can take an hour, in which a grant was revoked."""

from __future__ import annotations

from roadstead.core.access.rights import Action, require
from roadstead.registry.exchange import Exchange
from roadstead.registry.views import RepositoryView, Views


async def still_permitted(views: Views, exchange: Exchange, action: Action) -> RepositoryView:
    """The repository as it is now, if the bearer may still do `action` with it. Costs nothing where nothing changed.

    Raises:
        Unauthorized, UnknownName, Denied: see `roadstead.core.access.rights.require`.
    """
    name = exchange.route.name
    if name is None:
        return exchange.view
    exchange.repository = view = await views.of(name)
    require(exchange.bearer, view.rights, action)
    return view
