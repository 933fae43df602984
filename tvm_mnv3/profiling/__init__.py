"""What ``profile`` is made of: time per kernel from inside a library, beside what the machine could do at most."""
