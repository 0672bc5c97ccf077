"""Routes of users, their tokens, and projects."""
