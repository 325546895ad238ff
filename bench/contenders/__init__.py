"""The programs that are compared. Each runs in its own process and virtual environment, with a job on its standard
input and its resource usage on its standard output."""
