"""Planted defects: whether anything notices, which check does and after how long. `docs/teeth.md` has the table."""
