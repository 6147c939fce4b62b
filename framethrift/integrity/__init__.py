"""Proof that every file of a study is what its job wrote, and what decides whether it is still wanted."""

from framethrift.integrity.receipts import IntegrityError
from framethrift.integrity.steps import proven

__all__ = ["IntegrityError", "proven"]
