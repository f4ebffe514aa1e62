"""Images and files between the dialects: data URLs on one side, sources with a media type on the other."""

from __future__ import annotations

import re

from workbench.domain.dialects.translation import Document, Untranslatable
from workbench.domain.message import as_dict, as_text

_DATA_URL = re.compile(r"data:([\w.+/-]*)(?:;[\w=.-]+)*;base64,(.*)", re.S)


def source_to_url(source: Document, path: str) -> str:
    """Return the URL (a data URL for base64) of an Anthropic source. Raises Untranslatable."""
    kind = source.get("type")
    if kind == "base64":
        return f"data:{source.get('media_type', 'application/octet-stream')};base64,{source.get('data', '')}"
    if kind == "url":
        return as_text(source.get("url"))
    raise Untranslatable(f"a source of type {kind!r} exists only at Anthropic", path)


def url_to_source(url: str) -> Document:
    """Return the Anthropic source for a URL."""
    match = _DATA_URL.fullmatch(url)
    if match is None:
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": match[1] or "image/png", "data": match[2]}


def image_part(url: str, detail: object = None) -> Document:
    """Return an image as a chat content part."""
    image: Document = {"url": url}
    if detail:
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}


def document_part(block: Document, path: str) -> Document:
    """Return an Anthropic document block as a chat content part. Raises Untranslatable."""
    source = as_dict(block.get("source"))
    if source.get("type") == "text":
        return {"type": "text", "text": as_text(source.get("data"))}
    file: Document = {"file_data": source_to_url(source, path)}
    if block.get("title"):
        file["filename"] = block["title"]
    return {"type": "file", "file": file}


def file_block(part: Document, path: str) -> Document:
    """Return a chat file part as an Anthropic document block. Raises Untranslatable."""
    file = as_dict(part.get("file"))
    data = file.get("file_data")
    if not isinstance(data, str):
        raise Untranslatable("a file named by its id exists only where it was uploaded", path)
    block: Document = {"type": "document", "source": url_to_source(data)}
    if file.get("filename"):
        block["title"] = file["filename"]
    return block
