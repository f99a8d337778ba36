"""The columns of a table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column of a table.

    `right` aligns to the right. `currency` names the field with the currency of this amount. `is_flexible` allows the
    text to be cut where the screen is narrow. `is_personal` says that the field holds personal data.
    """

    name: str
    title: str = ""
    right: bool = False
    currency: str = ""
    is_flexible: bool = False
    is_personal: bool = False

    @property
    def heading(self) -> str:
        """The text at its head."""
        return self.title or self.name.replace("_", " ")
