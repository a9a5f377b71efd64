"""Invariants under many clients at once. Meant for a TSan build as well: KILN_SERVER names it."""
