"""Rows beyond what memory has room for: read, made and kept in files, a block at a time.

In memory at a time are:
- a few blocks, of some megabytes each, but of at least three rows;
- while something is fitted, as many columns of the training rows as the share has room for, but at least one (three of
  an array's targets);
- the different texts of a column that decides a split, within the share;
- for each row some numbers of eight bytes: its places in the parts, what scikit-learn and pandas take to draw them,
  the columns that decide a split, and its class where weights are balanced. This alone grows with the rows.
"""
