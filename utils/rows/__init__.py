"""An execution's items as rows: found, read, brought into the list's order, written."""
