"""Reading files out of answers, and refusing what must not be written."""

from __future__ import annotations

import pytest

from workbench.workflow.answers import Refused, apply_edit, blocks, check_content, one_file, repairs

N = "0123456789abcdef"


def block(path: str, content: str, kind: str = "FILE") -> str:
    return f"=== {kind} {N} {path}\n{content}\n=== END {N}\n"


def test_a_file_comes_back_exactly() -> None:
    """The content between the markers, with talk around it left out."""
    text = "Here you are:\n" + block("a.py", "x = 1\n\n  y\ttab") + "Bye"
    assert one_file(text, N, "a.py", finish_reason="stop") == "x = 1\n\n  y\ttab\n"


def test_markers_with_another_nonce_are_content() -> None:
    """A file that talks about our markers is not cut at them."""
    content = "=== FILE ffff a.py\n=== END ffff"
    assert one_file(block("a.py", content), N, "a.py", finish_reason="stop") == content + "\n"


def test_windows_line_ends_are_read() -> None:
    """CRLF answers are taken, with plain line ends."""
    assert one_file(block("a", "b\nc").replace("\n", "\r\n"), N, "a", finish_reason="stop") == "b\nc\n"


@pytest.mark.parametrize(
    "text", [block("a.py", "```python\nx = 1\n```"), "```python\nx = 1\n```", "Sure!\n```\nx = 1\n```\nDone."]
)
def test_a_fence_is_taken_off(text: str) -> None:
    """A fence inside the markers, or a lone fence instead of them, is read."""
    assert one_file(text, N, "a.py", finish_reason="stop") == "x = 1\n"


@pytest.mark.parametrize(
    ("text", "finish", "reason", "truncated"),
    [
        (block("a.py", "x"), "length", "token limit", True),
        (f"=== FILE {N} a.py\nx = 1\n", "stop", "END line never came", True),
        (block("b.py", "x"), "stop", "'b.py', which was not asked for", False),
        ("no file here", "stop", "no '=== FILE", False),
        ("```\na\n```\n```\nb\n```", "stop", "no '=== FILE", False),
        (block("a.py", "x"), "content_filter", "content_filter", False),
        (block("a.py", "x", "EDIT"), "stop", "not asked for", False),
    ],
)
def test_unusable_answers_are_refused(text: str, finish: str, reason: str, truncated: bool) -> None:
    """Cut short, open, other paths, no file, ambiguous fences, filtered: refused with the reason."""
    with pytest.raises(Refused) as refused:
        one_file(text, N, "a.py", finish_reason=finish)
    assert reason in refused.value.reason
    assert refused.value.truncated is truncated


@pytest.mark.parametrize(
    "line",
    [
        "# ... rest of the file unchanged",
        "// rest of the code remains the same",
        "/* existing code here */",
        "# ... existing code ...",
        "<!-- remaining content unchanged -->",
        "    // your code here",
        "# implementation goes here",
        "{/* the rest of the component stays the same */}",
        "...rest of code unchanged",
        "// ... other methods unchanged ... same code here",
        "(code omitted for brevity)",
        "# (rest omitted)",
    ],
)
def test_placeholders_are_refused(line: str) -> None:
    """An answer that leaves something out must not overwrite what is there."""
    with pytest.raises(Refused, match="placeholder"):
        check_content("a.py", f"def f():\n    return 1\n{line}\n", before=None, max_kb=10)


@pytest.mark.parametrize(
    "line",
    [
        "    ...",
        "# Yields the rest of the words.",
        "raise ValueError('the remaining bytes are not UTF-8')",
        "// Keep the same code path for both.",
        "The existing content stays in place when a page is missing.",
        "# The rest is history",
        "rest = args[1:]",
        "# code here is shared by both",
    ],
)
def test_ordinary_comments_are_not(line: str) -> None:
    """Comments and prose that only sound alike are taken."""
    check_content("a.py", f"def f():\n    return 1\n{line}\n", before=None, max_kb=10)


def test_size_and_shrinking() -> None:
    """Empty, too large, NUL and a rewrite to less than half are refused; an empty __init__.py is not."""
    check_content("pkg/__init__.py", "", before=None, max_kb=1)
    check_content("a.py", "x" * 300, before="x" * 500, max_kb=1)
    check_content("a.py", "x", before="x" * 300, max_kb=1)
    for content, before, reason in [
        ("", None, "empty"),
        ("x" * 2000, None, "larger"),
        ("a\x00b", None, "NUL"),
        ("x" * 200, "x" * 500, "shrinks"),
    ]:
        with pytest.raises(Refused, match=reason):
            check_content("a.py", content, before=before, max_kb=1)


def test_repairs_are_read_as_files_and_edits() -> None:
    """Several files of one answer come in order; edits are marked."""
    text = block("a.py", "x") + "and\n" + block("b.py", "y", "EDIT")
    assert [(one.path, one.content, one.edit) for one in repairs(text, N, finish_reason="stop")] == [
        ("a.py", "x\n", False),
        ("b.py", "y\n", True),
    ]
    with pytest.raises(Refused):
        repairs("nothing to mend", N, finish_reason="stop")


def test_an_open_block_refuses_the_whole_answer() -> None:
    """A repair whose last file is cut off is not half-applied."""
    with pytest.raises(Refused) as refused:
        blocks(block("a.py", "x") + f"=== FILE {N} b.py\ny", N)
    assert refused.value.truncated


def test_edits_apply_only_where_they_fit_once() -> None:
    """A SEARCH text must stand exactly once; several blocks apply in order."""
    edit = "<<<<<<< SEARCH\nb\n=======\nB\n>>>>>>> REPLACE\n<<<<<<< SEARCH\nc\n=======\n>>>>>>> REPLACE\n"
    assert apply_edit("a\nb\nc\n", edit, "f") == "a\nB\n"
    for before in ("a\n", "b\nb\n"):
        with pytest.raises(Refused, match="times in the file"):
            apply_edit(before, edit, "f")
    with pytest.raises(Refused, match="no SEARCH"):
        apply_edit("a", "b", "f")
