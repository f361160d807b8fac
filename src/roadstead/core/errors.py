"""The one family of errors. What a wire says about them is not decided here.

    RoadsteadError
    ├── Misuse                    the caller asked for something malformed, absent or not allowed
    │   ├── Invalid               malformed input
    │   │   ├── InvalidDigest
    │   │   ├── InvalidName       a repository, account or tag name
    │   │   ├── InvalidManifest
    │   │   │   └── ManifestTooLarge
    │   │   ├── InvalidRecord     an AT Protocol record, key, CID or write that breaks the rules
    │   │   ├── InvalidUpload     bytes that do not continue the session, or do not have their digest
    │   │   │   └── RangeOutOfOrder
    │   │   ├── InvalidRange      a Range that the content cannot satisfy
    │   │   ├── TooManyTags       more tags in one request than this server takes
    │   │   └── InvalidSetting
    │   ├── Unknown               well-formed, but not here (or not to be seen by who asks)
    │   │   ├── UnknownName
    │   │   ├── UnknownManifest
    │   │   ├── UnknownBlob
    │   │   ├── UnknownManifestBlob   a manifest names content that its repository does not have
    │   │   ├── UnknownUpload
    │   │   └── UnknownRecord
    │   ├── Unauthorized          nobody has said who they are, or the credentials are wrong
    │   ├── Denied                known, and not allowed
    │   ├── Conflict              somebody else changed it first, or it exists already
    │   ├── TooManyRequests
    │   └── Unsupported
    ├── Misbehaviour              bytes from a peer, a record or a disk are not what they claim to be
    │   └── CorruptContent
    └── Failure                   this system, or one that it needs, cannot do its work
        ├── Unavailable
        ├── StorageFull
        ├── DataInUse             another process holds the data folder or the port
        └── DataTooNew            the data folder was made by a newer version

An error's message says what was wrong and what was expected; `remedy` says what to do about it.
"""

from __future__ import annotations


class RoadsteadError(Exception):
    """Anything that Roadstead raises on purpose.

    Args:
        message: what was wrong and, where it helps, what was expected. Never holds a secret.
        remedy: what the reader can do next; empty where nothing can be done.
        detail: facts for a program (a digest, a limit), put on the wire beside the message.
    """

    def __init__(self, message: str, *, remedy: str = "", detail: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class Misuse(RoadsteadError):
    """The caller asked for something malformed, absent or not allowed."""


class Invalid(Misuse):
    """Malformed input."""


class InvalidDigest(Invalid):
    """Not a digest, or one of an algorithm that is not supported (OCI image-spec, descriptor, Digests)."""


class InvalidName(Invalid):
    """Not a repository, account or tag name (OCI distribution-spec, Pulling manifests)."""


class InvalidManifest(Invalid):
    """Not a manifest of a supported media type."""


class ManifestTooLarge(InvalidManifest):
    """A manifest above the limit that this server sets."""


class InvalidRecord(Invalid):
    """An AT Protocol record, record key, CID or write that breaks the rules of the repository."""


class InvalidUpload(Invalid):
    """Bytes that do not continue their session, or do not have the digest they claim."""


class RangeOutOfOrder(InvalidUpload):
    """A chunk that does not start where the session ends (OCI distribution-spec, Pushing a blob in chunks).

    Args:
        offset: how many bytes the session holds: where the next chunk has to start.
    """

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message, remedy=f"continue at byte {offset}")
        self.offset = offset


class InvalidRange(Invalid):
    """A Range header that the content cannot satisfy (RFC 9110, 14.1.2).

    Args:
        size_bytes: the size of the whole content.
    """

    def __init__(self, message: str, *, size_bytes: int) -> None:
        super().__init__(message, detail={"size": size_bytes})
        self.size_bytes = size_bytes


class TooManyTags(Invalid):
    """More tag parameters in one request than this server takes (OCI distribution-spec, Pushing manifests)."""


class InvalidSetting(Invalid):
    """A setting with a value that it cannot have."""


class Unknown(Misuse):
    """Well-formed, but not here, or not to be seen by who asks."""


class UnknownName(Unknown):
    """No such account or repository."""


class UnknownManifest(Unknown):
    """No such tag or manifest in this repository."""


class UnknownBlob(Unknown):
    """No such blob in this repository."""


class UnknownManifestBlob(Unknown):
    """A manifest names content that its repository does not have."""


class UnknownUpload(Unknown):
    """No such upload session, or one that has ended."""


class UnknownRecord(Unknown):
    """No such AT Protocol record or repository."""


class Unauthorized(Misuse):
    """Nobody has said who they are, or the credentials are wrong.

    Args:
        error: what a Bearer challenge says of the token that was sent (RFC 6750, 3.1): `invalid_token`,
            `insufficient_scope`, or nothing where none was sent.
    """

    def __init__(self, message: str, *, remedy: str = "", detail: object = None, error: str = "") -> None:
        super().__init__(message, remedy=remedy, detail=detail)
        self.error = error


class Denied(Misuse):
    """The asker is known, and may not do this."""


class Conflict(Misuse):
    """Somebody else changed it first, or it exists already."""


class TooManyRequests(Misuse):
    """A limit on how often, or on how many at once, was reached.

    Args:
        retry_after_s: whole seconds after which it is worth asking again.
    """

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, remedy=f"try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Unsupported(Misuse):
    """Something that this server does not offer."""


class Misbehaviour(RoadsteadError):
    """Bytes from a peer, a record or a disk are not what they claim to be."""


class CorruptContent(Misbehaviour):
    """Stored or received bytes do not have their digest or their form."""


class Failure(RoadsteadError):
    """This system, or one that it needs, cannot do its work."""


class Unavailable(Failure):
    """Something that is needed does not answer. Asking again later is worth it.

    Args:
        retry_after_s: whole seconds after which it is worth asking again.
    """

    def __init__(self, message: str, *, retry_after_s: int = 5) -> None:
        super().__init__(message, remedy=f"try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class StorageFull(Failure):
    """The disk, or a quota on it, is full."""


class DataInUse(Failure):
    """Another process holds the data folder or the port."""


class DataTooNew(Failure):
    """The data was written by a newer version of Roadstead."""
