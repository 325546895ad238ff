"""The fold of a long run: the outcomes of groups of rows are counted in parallel, then joined."""
