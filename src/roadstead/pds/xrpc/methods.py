"""The table of methods, and what answers a request of one (AT Protocol HTTP API specification, section XRPC)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from roadstead.core.errors import Failure, Misuse, RoadsteadError, Unsupported
from roadstead.pds.xrpc.call import Call
from roadstead.pds.xrpc.errors import WrongMethod, response

log: Final = structlog.get_logger(__name__)

Handler: TypeAlias = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Methods:
    """Queries, which are got, and procedures, which are posted, by their NSIDs."""

    queries: Mapping[str, Handler]
    procedures: Mapping[str, Handler]

    async def answer(self, request: Request) -> Response:
        """Answers a request of `/xrpc/NSID`; every error as XRPC tells it."""
        nsid = request.path_params["nsid"]
        return await guarded(lambda: self._handler(nsid, request.method)(Call(request)), method=nsid)

    def _handler(self, nsid: str, verb: str) -> Handler:
        is_query = verb in ("GET", "HEAD")
        found = (self.queries if is_query else self.procedures).get(nsid)
        if found is not None:
            return found
        if nsid in self.queries or nsid in self.procedures:
            raise WrongMethod(f"{nsid} is {'posted' if is_query else 'got'}, not {'got' if is_query else 'posted'}")
        raise Unsupported(f"this server has no method {nsid[:120]!r}")


async def guarded(work: Callable[[], Awaitable[Response]], **facts: str) -> Response:
    """What `work` answers, or the answer that tells of its error."""
    try:
        return await work()
    except Misuse as error:
        return response(error)
    except ClientDisconnect:
        return Response(status_code=499)  # nobody reads it
    except RoadsteadError as error:
        log.warning("xrpc failed", error=str(error), **facts)
        return response(error)
    except Exception:  # the boundary: logged, and told without its insides
        log.exception("xrpc failed", **facts)
        return response(Failure("something went wrong here", remedy="the server's log says what"))
