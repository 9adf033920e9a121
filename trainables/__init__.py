"""What one trial does: the training function's side of a sweep. No Ray."""
