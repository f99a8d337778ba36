"""The forms in which a page tells of its list. No I/O."""

from collections.abc import Container
from typing import Any

WORDS = {
    "meta": "metadata in meta and links",
    "simple": "metadata in meta, without last_page and total",
    "pagination": "metadata in meta.pagination",
    "flat": "metadata flat beside data",
    "links": "links alone",
    "none": "no metadata",
    "list": "a bare list",
}
KEYS = frozenset(
    (
        "current_page",
        "first_page_url",
        "from",
        "last_page",
        "last_page_url",
        "links",
        "meta",
        "next_page_url",
        "path",
        "per_page",
        "prev_page_url",
        "to",
        "total",
    )
)


def form_of(content: Any) -> str:
    """Return the form of one page."""
    if not isinstance(content, dict):
        return "list"
    meta = content.get("meta")
    if isinstance(meta, dict):
        if "pagination" in meta:
            return "pagination"
        return "meta" if "last_page" in meta or "total" in meta else "simple"
    if "current_page" in content or "per_page" in content or "next_page_url" in content:
        return "flat"
    return "links" if content.get("links") else "none"


def records_of(content: Any) -> Any:
    """Return the records of one page, or None if it has none."""
    if isinstance(content, dict):
        return content.get("data")
    return content if isinstance(content, list) else None


def expected_form(names: Container[str]) -> str:
    """Return the form that a page's schema with these properties describes."""
    for name, form in (("meta", "meta"), ("current_page", "flat"), ("links", "links")):
        if name in names:
            return form
    return "none"
