"""Mutation testing: `make mutation [MUTANTS=100] [SEED=n]` measures how many faults the unit and hostile tests find.

A mutant is the code with one small fault. It is killed if a test fails, and survives if all tests pass.
docs/adr/0021-own-mutation-testing.md says why this is own code.

    mutants     the faults that can be made in a source file
    recorder    a pytest plugin: which test calls which function
    selection   the tests that can see a mutant, the most likely one first; a pytest plugin that runs them in this order
    checkout    a copy of the repository, in which mutants are made and tested
    equivalents mutants that no test can kill, each with the reason
"""
