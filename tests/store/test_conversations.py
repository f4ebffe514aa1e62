"""What the writer remembers of conversations stays within its bound, whatever is said in them."""

from __future__ import annotations

from workbench.store.chunks import Said
from workbench.store.conversations import Conversations, Known


def words(seq: int) -> bytes:
    return b'{"messages":["' + b"%08d" % seq * 10 + b'"'


def known(seq: int, prefix: bytes, end: bytes = b"}") -> Known:
    return Known(
        seq=seq,
        endpoint="/v1/chat/completions",
        tenant="default",
        body=prefix + end,
        length=len(prefix),
        members={seq},
        packed=b"x",
        last=seq,
        crc=0,
        size=len(prefix),
        chain=seq,
        dialogue=True,
        redactions=(),
        end=end,
        end_stored=end,
    )


def test_short_conversations_and_long_answers_count_for_what_they_take():
    """Neither a thousand tiny prefixes nor huge answers and endings grow past the bound."""
    conversations = Conversations(max_bytes=1_000_000)
    for seq in range(3_000):
        conversations.remember(known(seq, words(seq)), None)
    assert 100 < len(conversations._order) < 1_000
    for seq in range(3_000, 3_100):
        conversations.remember(known(seq, words(seq), end=b"," * 10_000), None)
        conversations.answered(seq, Said("words", 1, b"a" * 100_000))
    assert len(conversations._order) < 10
    assert 0 < conversations._bytes <= 1_000_000


def test_dropping_everything_leaves_nothing_counted():
    """An answer that comes after its request is counted and given back too."""
    conversations = Conversations(max_bytes=1_000_000)
    first = known(1, words(1))
    conversations.remember(first, None)
    conversations.answered(1, Said("words", 1, b"a" * 1_000))
    conversations.remember(known(2, words(1) + b',"more"'), first)
    conversations.answered(2, Said("words", 1, b"a" * 2_000_000))
    assert (len(conversations._order), conversations._bytes) == (0, 0)
