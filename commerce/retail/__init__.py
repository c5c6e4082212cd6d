"""Replaying a real shop's invoices: reading the files, placing the orders at the front door, tying out the totals."""
