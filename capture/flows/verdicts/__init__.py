"""The rules that judge an attempt, by the stage of the attempt that they look at."""
