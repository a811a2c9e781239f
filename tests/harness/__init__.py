"""What the Python tests share: a server of their own, signed requests byte by byte, and file systems that fail."""
