"""The worker: it trains jobs. Celery's parent process never imports tensorflow or keras; its children do."""
