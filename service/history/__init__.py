"""The metrics of a job by epoch: load them, thin them for a chart, and summarize them as last and best values."""
