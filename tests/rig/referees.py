"""The foreign Python implementations of AT Protocol, asked for their verdicts. None of them ships types."""

import warnings
from collections.abc import Iterable
from typing import Any

import dag_cbor
from atproto_core.did_doc import DidDocument  # type: ignore[import-untyped]
from atproto_crypto.did import format_did_key  # type: ignore[import-untyped]
from atproto_crypto.verify import verify_signature  # type: ignore[import-untyped]
from atproto_subscription.frames import Frame  # type: ignore[import-untyped]
from carbox.car import read_car  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import ec
from multiformats import CID

from roadstead.core.atproto.cid import Cid

with warnings.catch_warnings():
    # arroba imports names that a library of its own has deprecated; that is not for our tests to fail on.
    warnings.simplefilter("ignore", DeprecationWarning)
    from arroba.mst import MST  # type: ignore[import-untyped]
    from arroba.storage import Block, MemoryStorage  # type: ignore[import-untyped]
    from arroba.util import verify_sig  # type: ignore[import-untyped]


def arroba_root(leaves: Iterable[tuple[str, Cid]]) -> str:
    """The CID of the tree's root, when arroba adds `leaves` one by one."""
    tree = MST.create(storage=MemoryStorage(), entries=[])
    for key, value in leaves:
        tree = tree.add(key, CID.decode(str(value)))
    return str(tree.get_pointer().encode("base32"))


def arroba_leaves(root: Cid, blocks: Iterable[bytes]) -> dict[str, str]:
    """The leaves that arroba finds under `root`, having hashed every block itself."""
    storage = MemoryStorage()
    for block in blocks:
        stored = Block(encoded=block)
        storage.blocks[stored.cid] = stored
    tree = MST.load(storage=storage, cid=CID.decode(str(root)))
    return {leaf.key: leaf.value.encode("base32") for leaf in tree.leaves()}


def arroba_verifies(block: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether arroba accepts the signature of a commit."""
    return bool(verify_sig(foreign(block), key))


def foreign(block: bytes) -> dict[str, Any]:
    """A block as `dag_cbor`, which is strict and not libipld, reads it."""
    value = dag_cbor.decode(block)
    assert isinstance(value, dict)
    return value


def sdk_did_key(algorithm: str, point: bytes) -> str:
    """The `did:key` that the SDK makes of a compressed point."""
    return str(format_did_key(algorithm, point))


def sdk_verifies(did_key: str, data: bytes, signature: bytes) -> bool:
    """Whether the SDK accepts a signature."""
    return bool(verify_signature(did_key, data, signature))


def sdk_did_document(document: dict[str, object]) -> Any:
    """The SDK's view of a DID document, which it validates."""
    return DidDocument.from_dict(document)


def sdk_frame(data: bytes) -> Any:
    """The SDK's view of a firehose frame."""
    return Frame.from_bytes(data)


def carbox_blocks(data: bytes) -> tuple[list[bytes], dict[bytes, bytes]]:
    """The roots and blocks that carbox finds in a CAR file."""
    roots, blocks = read_car(data)
    return [bytes(root) for root in roots], {bytes(block.cid): block.data for block in blocks}
