"""What ``validate`` is made of: labelled pictures, a reference, accuracy with its uncertainty, gates, layers."""
