"""The texts of an error's answer, cut to a useful length, without secrets and personal data."""

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from krebit.redaction import mask, mask_header, mask_path, secrets_in

# The part of an answer's texts that is kept: masking all that a server may send would take a minute. The error's body
# has the rest.
_MOST_FIELDS = 100
_MOST_REASONS = 10
_MOST_HEADERS = 100
_MOST_CHARACTERS = 100_000
_LONGEST_TEXT = 8192
_LONGEST_FIELD_NAME = 80
_LONGEST_HEADER_NAME = 200


class MaskedAnswer(NamedTuple):
    """The masked texts of an answer. `errors` has the reasons by field."""

    message: str
    errors: dict[str, list[str]]
    request_id: str | None
    path: str
    headers: dict[str, str]


def mask_answer(
    message: str, errors: Mapping[str, list[str]], request_id: str | None, path: str, headers: Mapping[str, str]
) -> MaskedAnswer:
    """Return the texts of an answer, masked."""
    errors = _kept_part(errors)
    headers = dict(itertools.islice(headers.items(), _MOST_HEADERS))
    # The secrets are looked up once: an answer has many texts, and a process may hold many secrets.
    texts = [message[:_LONGEST_TEXT], request_id or "", path, *_texts_of(errors, headers)]
    own = secrets_in("\n".join(texts))
    masked_errors: dict[str, list[str]] = {}
    for field, reasons in errors.items():
        # Two fields may have the same name once they are masked.
        same_name = masked_errors.setdefault(mask(field, _LONGEST_FIELD_NAME, own=own), [])
        same_name += [mask(reason, own=own) for reason in reasons]
    return MaskedAnswer(
        message=mask(message, own=own),
        errors=masked_errors,
        request_id=None if request_id is None else mask_header("request-id", request_id, own=own),
        path=mask_path(path, own=own),
        headers={
            mask(name, _LONGEST_HEADER_NAME, own=own, keep_runs=True): mask_header(name, value, own=own)
            for name, value in headers.items()
        },
    )


def _kept_part(errors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = {}
    left = _MOST_CHARACTERS
    for field, reasons in itertools.islice(errors.items(), _MOST_FIELDS):
        if left <= 0:
            break
        name = field[:_LONGEST_TEXT]
        kept[name] = [reason[:_LONGEST_TEXT] for reason in reasons[:_MOST_REASONS]]
        left -= len(name) + sum(map(len, kept[name]))
    return kept


def _texts_of(errors: Mapping[str, list[str]], headers: Mapping[str, str]) -> Iterator[str]:
    for field, reasons in errors.items():
        yield field
        yield from reasons
    for name, value in headers.items():
        yield name
        yield value
