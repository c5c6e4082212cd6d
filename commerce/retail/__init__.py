"""Replaying a real shop's invoices through the front door: reading the files, placing the orders, tying out the totals."""
