"""Prepare data that does not fit into memory: read, build and store it in files, one block at a time.

In memory at any time are:
- a few blocks of some megabytes each, but at least three rows;
- while a transform is fitted, as many columns of the training rows as fit into the memory share, but at least one
  (three of an array's targets);
- the distinct texts of a column that decides a split, within the share;
- some 8-byte numbers for each row: its positions in the subsets, the working memory of scikit-learn and pandas for
  the split, the columns that decide the split, and its class if class weights are balanced. Only this grows with the
  number of rows.
"""
