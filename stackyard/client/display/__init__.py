"""How jobs and clients show themselves in a terminal and in a notebook."""
