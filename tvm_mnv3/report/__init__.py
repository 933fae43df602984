"""The page about a validation: one HTML file with everything in it, readable without a network."""
