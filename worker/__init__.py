"""Compute. Celery's parent process never imports tensorflow or keras; its children do nothing without them."""
