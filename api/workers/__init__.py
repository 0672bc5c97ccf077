"""Routes of `/v1/workers`: the list of workers, and how busy they were."""
