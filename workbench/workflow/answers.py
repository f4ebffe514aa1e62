"""Reading files out of a model's answer, and refusing what must not be written.

An answer counts only when its END line has arrived and the model said it was done. Everything else is a
reason that goes back to the model, in words.
"""

from __future__ import annotations

import re

import msgspec

from workbench.domain.errors import UnusableAnswer

_FENCE = re.compile(r"^```[\w.+-]*[ \t]*\n(.*?)^```[ \t]*$", re.S | re.M)
_EDIT = re.compile(r"^<{7} SEARCH\n(.*?)^={7}\n(.*?)^>{7} REPLACE[ \t]*$", re.S | re.M)
_PLACEHOLDER = re.compile(
    r"""^[ \t]*(?:\#|//|/\*|<!--|--|;|\*|\.\.\.|\{/\*)?[ \t]*(?:\.\.\.|…)?[ \t]*\(?
    (?:(?:the[ ])?(?:rest|remainder|remaining)[ ](?:of[ ])?(?:the[ ])?(?:\w+[ ]){0,3}
       (?:unchanged|as[ ]before|same|omitted|remains|stays|goes[ ]here|is[ ]the[ ]same|here)
      |(?:existing|previous|other|same)[ ](?:\w+[ ]){0,3}(?:code|content|implementation)[ ]?(?:\w+[ ]){0,2}
       (?:(?:here|unchanged|omitted|above|as[ ]before)\b|\.\.\.|…)
      |(?:your|actual|full|real)[ ](?:code|implementation|logic)[ ](?:goes[ ])?here
      |(?:code|content)[ ]omitted(?:[ ]for[ ]brevity)?
      |(?:implementation|code)[ ]goes[ ]here
      |(?<=\.\.\.[ ])(?:other|remaining|existing)[ ](?:\w+[ ]){1,2}(?:unchanged|omitted))(?!\w)""",
    re.I | re.M | re.X,
)
SHRINK_FROM = 400
"""Bytes from which a rewrite to less than half is suspicious; small files change size for good reasons."""


class Refused(UnusableAnswer):
    """An answer that is not written; `reason` is one line, said to the model and to people.

    `truncated` marks an answer that was cut short: asked again with a larger cap, not argued with.
    """

    def __init__(self, reason: str, *, path: str = "", truncated: bool = False) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path
        self.truncated = truncated


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One ``=== FILE`` or ``=== EDIT`` block of an answer."""

    path: str
    content: str
    edit: bool = False


def blocks(text: str, nonce: str) -> list[Block]:
    """Return the closed blocks of an answer, in order. Raises Refused when one was opened and not closed."""
    found: list[Block] = []
    head = re.compile(rf"^=== (FILE|EDIT) {re.escape(nonce)} (\S[^\n]*?)[ \t]*$")
    end = f"=== END {nonce}"
    open_block: tuple[str, str] | None = None
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if open_block is None:
            if match := head.match(line):
                open_block, lines = (match[1], match[2]), []
        elif line.rstrip() == end:
            content = "\n".join(lines) + "\n" if lines else ""
            found.append(Block(path=open_block[1], content=content, edit=open_block[0] == "EDIT"))
            open_block = None
        else:
            lines.append(line)
    if open_block is not None:
        raise Refused("the END line never came", path=open_block[1], truncated=True)
    return found


def one_file(text: str, nonce: str, path: str, *, finish_reason: str | None) -> str:
    """Return the content for `path` from an answer to a file prompt. Raises Refused otherwise."""
    _check_finish(finish_reason, path)
    found = blocks(text, nonce)
    for block in found:
        if block.path == path and not block.edit:
            return _unfenced(block.content)
    if found:
        raise Refused(f"it holds {found[0].path!r}, which was not asked for", path=path)
    fences: list[str] = _FENCE.findall(text)
    if len(fences) == 1:
        return fences[0]
    raise Refused(f"no '=== FILE {nonce} {path}' block in it", path=path)


def repairs(text: str, nonce: str, *, finish_reason: str | None) -> list[Block]:
    """Return the blocks of an answer to a repair prompt. Raises Refused when there are none."""
    _check_finish(finish_reason, "")
    found = blocks(text, nonce)
    if not found:
        raise Refused(f"no '=== FILE {nonce} <path>' block in it")
    return [
        block if block.edit else msgspec.structs.replace(block, content=_unfenced(block.content))
        for block in found
    ]


def _check_finish(finish_reason: str | None, path: str) -> None:
    if finish_reason in {"length", "max_tokens"}:
        raise Refused("the answer was cut short by the token limit", path=path, truncated=True)
    if finish_reason not in {"stop", "end_turn", None}:
        raise Refused(f"the answer ended with {finish_reason!r}", path=path)


def _unfenced(content: str) -> str:
    """Take off a markdown fence around the whole content, a habit of many models."""
    match = re.fullmatch(r"\s*```[\w.+-]*[ \t]*\n(.*?)^```[ \t]*\s*", content, re.S | re.M)
    return match[1] if match else content


def check_content(path: str, content: str, *, before: str | None, max_kb: int) -> None:
    """Raise Refused for content that is empty, too large, a placeholder or a suspicious shrinking."""
    if not content.strip() and not path.endswith("__init__.py"):
        raise Refused("the file is empty", path=path)
    if len(content.encode("utf-8", "surrogatepass")) > max_kb * 1024:
        raise Refused(f"larger than {max_kb} kB", path=path)
    if "\x00" in content:
        raise Refused("it holds a NUL byte", path=path)
    if match := _PLACEHOLDER.search(content):
        raise Refused(f"a placeholder instead of code: {match[0].strip()!r}", path=path)
    if before is not None and len(before) >= SHRINK_FROM and len(content) * 2 < len(before):
        raise Refused(f"it shrinks the file from {len(before)} to {len(content)} characters", path=path)


def apply_edit(before: str, edit: str, path: str) -> str:
    """Return `before` with the search-and-replace blocks of `edit` applied, each text found exactly once."""
    pairs = _EDIT.findall(edit)
    if not pairs:
        raise Refused("no SEARCH/REPLACE block in the edit", path=path)
    for search, replacement in pairs:
        count = before.count(search) if search else 0
        if count != 1:
            raise Refused(f"a SEARCH text stands {count} times in the file, not once", path=path)
        before = before.replace(search, replacement)
    return before
