"""What the AT Protocol allows, for hypothesis to choose from."""

from hypothesis import strategies as st

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import Value

cids = st.one_of(st.builds(Cid.of_record, st.binary(max_size=8)), st.builds(Cid.of_blob, st.binary(max_size=8)))

integers = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1),
    # Where the head of an integer grows by bytes.
    st.sampled_from([0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, -1, -24, -25, -256, -257, -(2**32) - 1]),
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)

byte_strings = st.one_of(
    st.binary(max_size=40),
    # What libipld takes for a link by its first bytes.
    st.binary(max_size=60).map(lambda tail: b"\x01\x71\x00\x01" + tail),
    st.binary(min_size=32, max_size=32).map(lambda tail: b"\x12\x20" + tail),
)

values: st.SearchStrategy[Value] = st.recursive(
    st.one_of(st.none(), st.booleans(), integers, text, byte_strings, cids),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(text, inner, max_size=5)),
    max_leaves=25,
)

_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:."
collections = st.sampled_from(["io.atcr.manifest", "io.atcr.tag", "io.atcr.hold", "app.example.a"])
record_keys = st.text(_CHARACTERS, min_size=1, max_size=12).filter(lambda key: key not in (".", ".."))
paths = st.builds("{}/{}".format, collections, record_keys)
trees = st.dictionaries(paths, cids, max_size=60)
