"""One attempt at a job in a worker's child process: claim, train, report, evaluate and store the results."""
