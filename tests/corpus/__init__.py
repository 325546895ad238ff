"""Image files by many writers, with the sizes that a decoder reports. `tests.corpus.make` makes them again."""
