"""The page of a run, `report.html`: one file for people that loads nothing else."""
