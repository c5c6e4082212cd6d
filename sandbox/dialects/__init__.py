"""Wire formats. Each is one `handle(method, url, headers, body)` over the same engine."""
