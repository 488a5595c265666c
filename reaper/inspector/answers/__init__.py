"""What the processes that were read mean: who is whose, what is wrong, whom a kill may hit."""
