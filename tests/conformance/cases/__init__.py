"""The table, a module a chapter of the specification. `CASES` has all the rows."""

from tests.conformance.cases import bad_input, discovery, errors, management, names, pull, push_blobs, push_manifests

CASES = (
    *names.CASES,
    *pull.CASES,
    *push_blobs.CASES,
    *push_manifests.CASES,
    *discovery.CASES,
    *management.CASES,
    *errors.CASES,
    *bad_input.CASES,
)
