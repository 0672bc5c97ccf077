"""What comes out of a sweep: lists of trials, the best one, statistics, and a table."""
