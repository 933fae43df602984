"""What tuning found, one file per core (data only)."""
