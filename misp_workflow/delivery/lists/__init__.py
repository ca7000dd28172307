"""Lists that devices read: what MISP says is harmful, one value a line, in the format of the device, on this disk.

`values` reads an attribute, `limits` keeps out what must not be blocked, `formats` writes what the device reads,
`book` remembers what stands in a list and why, `shelf` publishes its file. What each consumer makes of a line it does
not like is in docs/lists.md: one bad line costs some of them the whole file, so none is ever written.
"""

from __future__ import annotations

from misp_workflow.delivery.lists.shelf import Found, Shelf, Told, shelf_of, shelves

__all__ = ["Found", "Shelf", "Told", "shelf_of", "shelves"]
