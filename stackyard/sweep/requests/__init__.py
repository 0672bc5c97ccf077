"""What clients send about a sweep that exists: changes, trials and values."""
