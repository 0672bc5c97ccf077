"""How much users and projects use: charges, their policy, and reports."""
