"""Walks through paginated lists."""

from krebit.pagination.sequence import ListDriftWarning, Page
from krebit.pagination.walk import AsyncWalk, Walk, paginate

__all__ = ["AsyncWalk", "ListDriftWarning", "Page", "Walk", "paginate"]
