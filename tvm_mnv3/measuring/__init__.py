"""How time is measured on this machine: which CPUs, in which turns, how long, and what the machine could do at most."""
