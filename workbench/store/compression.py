"""zstd for chunks and small blobs, with trained dictionaries that are kept for ever.

Codec numbers, as stored: 0 the bytes themselves, 1 plain zstd, n >= 2 zstd with dictionary n. A dictionary
is never changed or deleted while a chunk refers to it; a better one gets the next number. Negative numbers
are streams of events in the form of `events`; ~n is the codec of their text.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import zstandard

from workbench.store.events import MAX_STREAM, unpack_events
from workbench.store.numbers import read_varint, varint

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from workbench.store.events import Packed

PLAIN = 0
ZSTD = 1
FIRST_DICTIONARY = 2
LEVEL = 3
MAX_SIZE = 2**31 - 1
_BIG = 256 * 1024
"""From here on a dictionary gains nothing and plain zstd does better."""
_MODEL_TIMES, _MODEL_BYTES = 4, 16 * 1024
"""A model is at most that many times larger than what repeats it, or that large."""
_MODEL_GAIN = 8
_SMALL = 24
"""Below this many bytes nothing is gained."""


class Codecs:
    """Compressors and decompressors of one store; safe for several threads.

    Dictionaries are read from the store when first needed.
    """

    def __init__(self) -> None:
        self._dictionaries: dict[int, zstandard.ZstdCompressionDict] = {}
        self._newest = ZSTD
        self._local = threading.local()

    @property
    def newest(self) -> int:
        """The codec new chunks are compressed with."""
        return self._newest

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Learn of the newest dictionary another process may have trained."""
        row = connection.execute("SELECT max(id) FROM dictionaries").fetchone()
        newest = row[0] or ZSTD
        if newest != self._newest and newest >= FIRST_DICTIONARY:
            self._load(connection, newest)
            self._newest = newest

    def _load(self, connection: sqlite3.Connection, codec: int) -> zstandard.ZstdCompressionDict:
        known = self._dictionaries.get(codec)
        if known is None:
            row = connection.execute("SELECT data FROM dictionaries WHERE id = ?", (codec,)).fetchone()
            if row is None:
                msg = f"zstd dictionary {codec} is missing"
                raise ValueError(msg)
            known = zstandard.ZstdCompressionDict(row[0])
            known.precompute_compress(level=LEVEL)
            self._dictionaries[codec] = known
        return known

    def compress(self, data: bytes) -> tuple[int, bytes]:
        """Return codec and packed bytes, whichever form is smallest."""
        if len(data) < _SMALL:
            return PLAIN, data
        codec = self._newest if len(data) < _BIG else ZSTD
        packed = self._compressor(codec).compress(data)
        return (codec, packed) if len(packed) < len(data) else (PLAIN, data)

    def compress_parts(self, parts: Packed) -> tuple[int, bytes]:
        """Return codec and packed bytes of a stream that `pack_events` took apart."""
        codec, packed = self.compress(parts.text)
        sizes = varint(len(parts.head)) + varint(len(parts.text))
        return ~codec, sizes + parts.head + packed

    def decompress(self, connection: sqlite3.Connection, codec: int, data: bytes, size: int) -> bytes:
        """Return the `size` original bytes. Raises ValueError when they can't be had."""
        if codec < 0:
            head, text = self._stream(connection, codec, data)
            return unpack_events(head, text, size)
        return self._plain(connection, codec, data, size)

    def content(self, connection: sqlite3.Connection, codec: int, data: bytes, size: int) -> bytes:
        """Return a stream's text if it is kept in parts, else the bytes.

        Raises ValueError when they can't be had.
        """
        if codec < 0:
            return self._stream(connection, codec, data)[1]
        return self._plain(connection, codec, data, size)

    def _stream(self, connection: sqlite3.Connection, codec: int, data: bytes) -> tuple[bytes, bytes]:
        head, at = read_varint(data, 0)
        size, at = read_varint(data, at)
        if size > MAX_STREAM:
            msg = "a packed stream says that it is too large"
            raise ValueError(msg)
        return data[at : at + head], self._plain(connection, ~codec, data[at + head :], size)

    def _plain(self, connection: sqlite3.Connection, codec: int, data: bytes, size: int) -> bytes:
        if codec == PLAIN:
            return data
        if codec >= FIRST_DICTIONARY:
            self._load(connection, codec)
        return _decompressed(self._decompressor(codec), data, size)

    def compress_like(self, data: bytes, model: bytes) -> bytes | None:
        """Return bytes packed against `model`, which nearly contains them; None if that does not save
        much.
        """
        if len(data) < _SMALL or len(model) > max(_MODEL_TIMES * len(data), _MODEL_BYTES):
            return None
        packed = zstandard.ZstdCompressor(level=LEVEL, dict_data=_raw(model), write_dict_id=False).compress(
            data
        )
        return packed if len(packed) * _MODEL_GAIN < len(data) else None

    def decompress_like(self, data: bytes, model: bytes, size: int) -> bytes:
        """Return what `compress_like` packed. Raises ValueError when it can't be had."""
        return _decompressed(zstandard.ZstdDecompressor(dict_data=_raw(model)), data, size)

    def pack(self, data: bytes) -> bytes:
        """Return bytes packed together with their codec and size, for blobs outside the chunks."""
        codec, packed = self.compress(data)
        return varint(codec) + varint(len(data)) + packed

    def unpack(self, connection: sqlite3.Connection, blob: bytes) -> bytes:
        """Return what `pack` packed. Raises ValueError when it is damaged."""
        codec, at = read_varint(blob, 0)
        size, at = read_varint(blob, at)
        return self.decompress(connection, codec, blob[at:], size)

    def _compressor(self, codec: int) -> zstandard.ZstdCompressor:
        made: dict[int, zstandard.ZstdCompressor] = self._local.__dict__.setdefault("compressors", {})
        if codec not in made:
            made[codec] = zstandard.ZstdCompressor(
                level=LEVEL, dict_data=self._dictionaries.get(codec), write_dict_id=False
            )
        return made[codec]

    def _decompressor(self, codec: int) -> zstandard.ZstdDecompressor:
        made: dict[int, zstandard.ZstdDecompressor] = self._local.__dict__.setdefault("decompressors", {})
        if codec not in made:
            made[codec] = zstandard.ZstdDecompressor(dict_data=self._dictionaries.get(codec))
        return made[codec]


def _decompressed(decompressor: zstandard.ZstdDecompressor, data: bytes, size: int) -> bytes:
    try:
        # Memory is taken for as much as the data itself says: it must say what is expected.
        if zstandard.frame_content_size(data) != size:
            msg = "the packed bytes are not as large as they should be"
            raise ValueError(msg)
        return decompressor.decompress(data, max_output_size=size)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None


def _raw(model: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(model, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def train(samples: Sequence[bytes], size: int = 256 * 1024) -> bytes | None:
    """Return a dictionary for such samples, or None when they are too few or too alike to train one."""
    try:
        return zstandard.train_dictionary(size, list(samples), level=LEVEL).as_bytes()
    except zstandard.ZstdError:
        return None
