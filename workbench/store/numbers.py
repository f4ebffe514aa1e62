"""Lists of numbers in as few bytes as they need: lengths, counts, gaps between moments.

Numbers that repeat much (lengths) are Huffman-coded as they are. Numbers that scatter (microseconds) are
taken apart: how many bits each has is Huffman-coded, the bits below the highest one follow as they are,
because they look like chance. zlib makes and reads the Huffman codes.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PLAIN, _SAME, _SMALL, _SCATTERED = range(4)
"""The first byte: varints; one number and how often; bytes; bit lengths and bits."""
_FEW = 8
"""Fewer numbers are not worth a Huffman code."""
_WINDOW, _MEMORY = -12, 6
"""zlib with small buffers: to set up large ones takes longer than to pack some hundred numbers."""
_MAX_BITS = 64


def varint(number: int) -> bytes:
    """Return a number in seven bits a byte, lowest first."""
    out = bytearray()
    put_varint(out, number)
    return bytes(out)


def put_varint(out: bytearray, number: int) -> None:
    """Append what `varint` returns."""
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at `at` and the place behind it. Raises ValueError when it is cut off."""
    number = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift > _MAX_BITS:
            break
    msg = "a number is cut off"
    raise ValueError(msg)


def read_varints(data: bytes) -> list[int]:
    """Return all numbers. Raises ValueError when the last one is cut off."""
    numbers: list[int] = []
    number = shift = 0
    for byte in data:
        if byte > 0x7F:
            number |= (byte & 0x7F) << shift
            shift += 7
        else:
            numbers.append(number | byte << shift)
            number = shift = 0
    if shift:
        msg = "a number is cut off"
        raise ValueError(msg)
    return numbers


def zigzag(number: int) -> int:
    """Return a number of either sign as one that is not negative: 0, -1, 1, -2 become 0, 1, 2, 3."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def unzigzag(number: int) -> int:
    """Return what `zigzag` took."""
    return -((number + 1) >> 1) if number & 1 else number >> 1


def differences(numbers: Iterable[int]) -> list[int]:
    """Return each number less the one before it (the first less 0), zigzag."""
    steps = []
    last = 0
    for number in numbers:
        steps.append(zigzag(number - last))
        last = number
    return steps


def summed(steps: Iterable[int]) -> list[int]:
    """Return the numbers `differences` were taken of."""
    numbers = []
    last = 0
    for step in steps:
        last += unzigzag(step)
        numbers.append(last)
    return numbers


def pack_numbers(numbers: Sequence[int]) -> bytes:
    """Return numbers of 0 to 2**63 packed."""
    if len(numbers) < _FEW:
        return bytes((_PLAIN,)) + b"".join(map(varint, numbers))
    most = max(numbers)
    if most == min(numbers):
        return bytes((_SAME,)) + varint(len(numbers)) + varint(most)
    if most < 256:
        return bytes((_SMALL,)) + _deflated(bytes(numbers))
    # One more, so that each has a highest bit.
    larger = [number + 1 for number in numbers]
    sizes = _deflated(bytes(map(int.bit_length, larger)))
    bits = "1" + "".join([bin(number)[3:] for number in larger])
    return (
        bytes((_SCATTERED,)) + varint(len(sizes)) + sizes + int(bits, 2).to_bytes(len(bits) + 7 >> 3, "big")
    )


def unpack_numbers(data: bytes, most: int) -> list[int]:
    """Return what `pack_numbers` packed, at most `most` numbers. Raises ValueError when it is damaged."""
    form = data[:1]
    if form == bytes((_PLAIN,)):
        numbers = read_varints(data[1 : most * 10 + 1])
        _bounded(len(numbers), most)
        return numbers
    if form == bytes((_SAME,)):
        count, at = read_varint(data, 1)
        number, _ = read_varint(data, at)
        return [number] * _bounded(count, most)
    if form == bytes((_SMALL,)):
        return list(_inflated(data[1:], most))
    if form == bytes((_SCATTERED,)):
        size, at = read_varint(data, 1)
        return _joined(_inflated(data[at : at + size], most), data[at + size :])
    msg = "a list of numbers has an unknown form"
    raise ValueError(msg)


def _bounded(count: int, most: int) -> int:
    if count > most:
        msg = "a list of numbers is too long"
        raise ValueError(msg)
    return count


def _joined(sizes: bytes, packed: bytes) -> list[int]:
    bits = bin(int.from_bytes(packed, "big"))[3:]
    if len(bits) != sum(sizes) - len(sizes) or not all(sizes):
        msg = "a list of numbers is cut off"
        raise ValueError(msg)
    numbers = []
    at = 0
    for size in sizes:
        end = at + size - 1
        numbers.append(int("1" + bits[at:end], 2) - 1)
        at = end
    return numbers


def _deflated(data: bytes) -> bytes:
    # What is nearly always the same comes in repetitions, which take less than a bit each.
    same = 4 * data.count(data[len(data) // 2]) > 3 * len(data)
    strategy = zlib.Z_DEFAULT_STRATEGY if same else zlib.Z_HUFFMAN_ONLY
    packer = zlib.compressobj(9, zlib.DEFLATED, _WINDOW, _MEMORY, strategy)
    return packer.compress(data) + packer.flush()


def _inflated(data: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj(_WINDOW)
    try:
        out = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    _bounded(len(out), most)
    if not unpacker.eof:
        msg = "a list of numbers is cut off"
        raise ValueError(msg)
    return out
