"""DID documents, as far as AT Protocol uses them (AT Protocol DID specification, section DID Documents).

Owns what an account's document says: its handle, its signing key, its PDS. Fetching one is not done here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from roadstead.core.atproto.did import Did
from roadstead.core.atproto.handle import Handle
from roadstead.core.atproto.multikey import PublicKey, multikey, parse_multikey
from roadstead.core.errors import CorruptContent, InvalidRecord, RoadsteadError

_CONTEXT: Final = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"]
_KEY_ID: Final = "#atproto"
_KEY_TYPE: Final = "Multikey"
_PDS_ID: Final = "#atproto_pds"
_PDS_TYPE: Final = "AtprotoPersonalDataServer"


@dataclass(frozen=True, slots=True)
class DidDocument:
    """Who an account is: claimed by the document, the handle still has to be checked against its domain."""

    did: Did
    handle: Handle | None
    signing_key: PublicKey
    pds_url: str

    def json(self) -> dict[str, object]:
        """The document, for a JSON encoder."""
        return {
            "@context": _CONTEXT,
            "id": str(self.did),
            "alsoKnownAs": [self.handle.uri] if self.handle else [],
            "verificationMethod": [
                {
                    "id": f"{self.did}{_KEY_ID}",
                    "type": _KEY_TYPE,
                    "controller": str(self.did),
                    "publicKeyMultibase": multikey(self.signing_key),
                }
            ],
            "service": [{"id": _PDS_ID, "type": _PDS_TYPE, "serviceEndpoint": self.pds_url}],
        }

    @classmethod
    def parse(cls, document: object) -> DidDocument:
        """What a document (decoded JSON, from anyone) says.

        Raises:
            CorruptContent: no document, or one without a DID, a signing key or a PDS that can be used.
        """
        if not isinstance(document, dict):
            raise CorruptContent("a DID document has to be a JSON object")
        try:
            did = Did.parse(str(document.get("id")))
            key = parse_multikey(_field(document, "verificationMethod", did, _KEY_ID, _KEY_TYPE, "publicKeyMultibase"))
            pds_url = _field(document, "service", did, _PDS_ID, _PDS_TYPE, "serviceEndpoint")
        except RoadsteadError as error:
            raise CorruptContent(f"a DID document cannot be used: {error.message}") from error
        if not pds_url.startswith(("https://", "http://")):
            raise CorruptContent(f"the PDS in the DID document of {did} has no HTTP address")
        return cls(did, _first_handle(document.get("alsoKnownAs")), key, pds_url)


def _field(document: dict[str, object], section: str, did: Did, fragment: str, kind: str, name: str) -> str:
    """The text under `name` of the first entry of `section` of that id, absolute or relative, and type."""
    entries = document.get(section)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("id") in (fragment, f"{did}{fragment}") and entry.get("type") == kind:
            value = entry.get(name)
            if isinstance(value, str):
                return value
    raise InvalidRecord(f"no {name} under {fragment} in {section}")


def _first_handle(names: object) -> Handle | None:
    for name in names if isinstance(names, list) else []:
        if isinstance(name, str) and name.startswith("at://"):
            try:
                return Handle.parse(name.removeprefix("at://"))
            except RoadsteadError:
                return None
    return None
