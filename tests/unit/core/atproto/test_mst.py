"""The tree: the public interoperability values of AT Protocol, its size of steps, and crafted nodes.

What holds for any tree is in `tests/property/test_mst.py`.
"""

from collections.abc import Iterable, Mapping

import pytest

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import Value, encode
from roadstead.core.atproto.mst import EMPTY_BLOCK, EMPTY_ROOT, BlockGetter, Node, Tree, build, check, key_height
from roadstead.core.errors import CorruptContent, InvalidRecord, UnknownRecord

VALUE = Cid.parse("bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454")


@pytest.mark.parametrize(
    ("key", "height"),
    [
        ("asdf", 0),
        ("blue", 1),
        ("2653ae71", 0),
        ("88bfafc7", 2),
        ("2a92d355", 4),
        ("884976f5", 6),
        ("app.bsky.feed.post/454397e440ec", 4),
        ("app.bsky.feed.post/9adeb165882c", 8),
    ],
)
def test_the_heights_of_known_keys(key: str, height: int) -> None:
    assert key_height(key) == height


def _keys(middles: Iterable[str]) -> list[str]:
    return [f"com.example.record/3jqfcqzm{middle}2j" for middle in middles]


SIX = ["3fn", "3fo", "3fp", "3fs", "3ft", "3fu"]
ELEVEN = ["3fo", "3fp", "3fr", "3fs", "3ft", "3fz", "4fc", "4fd", "4ff", "4fg", "4fh"]


@pytest.mark.parametrize(
    ("middles", "root"),
    [
        ([], "bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm"),
        (["3fo"], "bafyreibj4lsc3aqnrvphp5xmrnfoorvru4wynt6lwidqbm2623a6tatzdu"),
        (["3fx"], "bafyreih7wfei65pxzhauoibu3ls7jgmkju4bspy4t2ha2qdjnzqvoy33ai"),
        (["3fp", "3fr", "3fs", "3ft", "4fc"], "bafyreicmahysq4n6wfuxo522m6dpiy7z7qzym3dzs756t5n7nfdgccwq7m"),
        (SIX, "bafyreifnqrwbk6ffmyaz5qtujqrzf5qmxf7cbxvgzktl4e3gabuxbtatv4"),
        (ELEVEN, "bafyreiettyludka6fpgp33stwxfuwhkzlur6chs4d2v4nkmq2j3ogpdjem"),
        ([*ELEVEN, "3fx"], "bafyreid2x5eqs4w4qxvc5jiwda4cien3gw2q6cshofxwnvv7iucrmfohpm"),
        (["3ft", "3fz"], "bafyreidfcktqnfmykz2ps3dbul35pepleq7kvv526g47xahuz3rqtptmky"),
        (["3ft", "3fz", "3fx"], "bafyreiavxaxdz7o7rbvr3zg2liox2yww46t7g6hkehx4i4h3lwudly7dhy"),
    ],
)
def test_the_roots_of_known_trees(middles: list[str], root: str) -> None:
    assert str(build((key, VALUE) for key in _keys(middles)).root) == root


def test_a_key_that_splits_two_levels_and_goes_again() -> None:
    """The specification's hardest case: 3fx belongs above the root, and takes a node's keys apart two levels below."""
    before = _tree(ELEVEN)
    (key,) = _keys(["3fx"])
    grown = before.apply({key: VALUE})
    shrunk = Tree(grown.root, _either(grown.new_blocks, before.get)).apply({key: None})
    assert shrunk.root == before.root
    assert shrunk.new_blocks.keys() == grown.removed
    assert shrunk.removed == grown.new_blocks.keys()


def test_one_change_touches_one_path() -> None:
    change = build((f"io.atcr.tag/{number}", VALUE) for number in range(2000))
    loaded: list[Cid] = []

    def get(cid: Cid) -> bytes:
        loaded.append(cid)
        return change.new_blocks[cid]

    put = Tree(change.root, get).apply({"io.atcr.tag/app_latest": VALUE})
    # Six levels, and what a split below loads beside the path.
    assert len(loaded) <= 16
    assert len(put.new_blocks) <= 16


def test_a_walk_of_one_collection_leaves_the_others_alone() -> None:
    keys = [f"{name}/{number}" for name in ("a.b.c", "d.e.f", "g.h.i") for number in range(300)]
    change = build((key, VALUE) for key in keys)
    loaded: list[Cid] = []

    def get(cid: Cid) -> bytes:
        loaded.append(cid)
        return change.new_blocks[cid]

    assert len(list(Tree(change.root, get).leaves(prefix="d.e.f/"))) == 300
    assert len(loaded) < 0.5 * len(change.new_blocks)


def test_what_is_not_there_cannot_be_deleted() -> None:
    for tree in (_tree([]), _tree(SIX)):
        with pytest.raises(UnknownRecord):
            tree.apply({"com.example.record/absent": None})


@pytest.mark.parametrize("key", ["", "a", "/a", "a/", "a/b/c", "a/b c", "a/é", "a/" + "b" * 1100, "a/b\n"])
def test_a_key_has_to_be_a_records_path(key: str) -> None:
    with pytest.raises(InvalidRecord):
        build([(key, VALUE)])


def _entry(key: bytes, shared: int = 0, tree: Cid | None = None, value: Value = VALUE) -> dict[str, Value]:
    return {"p": shared, "k": key, "v": value, "t": tree}


@pytest.mark.parametrize(
    "node",
    [
        None,
        [],
        {},
        {"l": None},
        {"e": []},
        {"l": None, "e": None},
        {"l": None, "e": {}},
        {"l": None, "e": [1]},
        {"l": None, "e": [{}]},
        {"l": "text", "e": []},
        {"l": None, "e": [], "more": 1},
        {"l": None, "e": [_entry(b"a/b", value=None)]},
        {"l": None, "e": [{**_entry(b"a/b"), "more": 1}]},
        {"l": None, "e": [_entry(b"a/b", shared=1)]},
        {"l": None, "e": [_entry(b"a/b", shared=-1)]},
        {"l": None, "e": [_entry(b"")]},
        {"l": None, "e": [_entry(b"no path")]},
        {"l": None, "e": [_entry("a/é".encode())]},
        {"l": None, "e": [_entry(b"a/b"), _entry(b"a/c")]},  # not compressed
        {"l": None, "e": [_entry(b"a/c"), _entry(b"b", shared=2)]},  # not in order
        {"l": None, "e": [_entry(b"a/c"), _entry(b"", shared=3)]},  # twice
    ],
    ids=repr,
)
def test_a_crafted_block_is_no_node(node: Value) -> None:
    with pytest.raises(CorruptContent):
        Node.decode(encode(node))


def test_a_node_has_one_form() -> None:
    block = Node.of(["a/b"], [VALUE], [None, None]).block
    assert Node.decode(block).block == block
    with pytest.raises(CorruptContent):
        Node.decode(block.replace(b"\x61p\x00", b"\x61p\x18\x00"))


def test_a_missing_node_is_told_by_its_cid() -> None:
    nothing: dict[Cid, bytes] = {}
    with pytest.raises(CorruptContent, match=str(VALUE)):
        Tree(VALUE, nothing.__getitem__).find("a/b")


def test_nodes_that_name_each_other_often_are_not_walked_often() -> None:
    """A few blocks that would unfold to more leaves than there are atoms: refused at the second sight of a key."""
    blocks: dict[Cid, bytes] = {}
    child: Cid | None = None
    for level in range(100):
        keys = [f"a.b.c/{level:03}", f"a.b.c/{level:03}x", f"a.b.c/{level:03}y"]
        block = Node.of(keys, [VALUE] * 3, [child] * 4).block
        child = Cid.of_record(block)
        blocks[child] = block
    assert child
    tree = Tree(child, blocks.__getitem__)
    for walk in (tree.leaves(), tree.nodes(), tree.leaves(reverse=True)):
        with pytest.raises(CorruptContent, match="order"):
            list(walk)


def test_a_tree_deeper_than_hashes_are_long_is_refused() -> None:
    blocks = {EMPTY_ROOT: EMPTY_BLOCK}
    root = EMPTY_ROOT
    for _ in range(2000):
        block = Node.of((), (), (root,)).block
        root = Cid.of_record(block)
        blocks[root] = block
    tree = Tree(root, blocks.__getitem__)
    with pytest.raises(CorruptContent):
        check(tree)
    with pytest.raises(CorruptContent):
        list(tree.nodes())
    with pytest.raises(CorruptContent):
        tree.find("a/b")
    with pytest.raises(CorruptContent):
        tree.apply({"a/b": VALUE})
    with pytest.raises(CorruptContent):
        tree.apply({"a/b": None})


@pytest.mark.parametrize(
    "node",
    [
        Node.of(["com.example.record/3jqfcqzm3fx2j", "com.example.record/3jqfcqzm4fc2j"], [VALUE] * 2, [None] * 3),
        Node.of((), (), (EMPTY_ROOT,)),
        Node.of(["com.example.record/3jqfcqzm3fx2j"], [VALUE], [EMPTY_ROOT, None]),
    ],
    ids=["keys of two heights", "a root above the top", "an empty node below"],
)
def test_a_tree_of_another_shape_is_refused(node: Node) -> None:
    root = Cid.of_record(node.block)
    with pytest.raises(CorruptContent, match="not the one"):
        check(Tree(root, {EMPTY_ROOT: EMPTY_BLOCK, root: node.block}.__getitem__))


def _tree(middles: Iterable[str]) -> Tree:
    change = build((key, VALUE) for key in _keys(middles))
    return Tree(change.root, {EMPTY_ROOT: EMPTY_BLOCK, **change.new_blocks}.__getitem__)


def _either(blocks: Mapping[Cid, bytes], get: BlockGetter) -> BlockGetter:
    return lambda cid: blocks[cid] if cid in blocks else get(cid)
