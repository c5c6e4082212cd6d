"""The HTTP operations of carts, checkout and orders."""
