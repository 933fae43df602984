"""The MobileNetV3 family as tables from the paper, built as PyTorch modules; weights in."""
