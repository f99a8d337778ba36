"""One call over HTTP: the request, its attempts, the answer, and the transports that carry it."""
