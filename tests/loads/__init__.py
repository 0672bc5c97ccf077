"""Load generators that follow and poll many jobs of a real server at once."""
