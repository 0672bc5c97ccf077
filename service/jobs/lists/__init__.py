"""Lists of jobs in any order, how many jobs they have in each state, and the small curves that they show."""
