"""Walks through paginated lists."""

from krebit.pagination.sequence import ListDriftWarning, PageOf
from krebit.pagination.walk import AsyncWalk, Walk, paginate

__all__ = ["AsyncWalk", "ListDriftWarning", "PageOf", "Walk", "paginate"]
