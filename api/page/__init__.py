"""The page in the browser: its files from `web/`, and the addresses under which it opens."""
