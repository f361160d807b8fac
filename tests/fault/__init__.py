"""What must not be lost, or shown, when something breaks."""
