"""What commands print: tables, JSON, the details of a job, and its progress."""
