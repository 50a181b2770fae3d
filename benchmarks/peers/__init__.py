"""Hold the servers that `delivery.py` compares, and the client that they share."""
