"""Measurements, run by ``make bench``; never timed tests.

Each measures ours beside a reference in the same run, five times in turn, and reports the median with every run. Absolute numbers describe
the machine; ratios describe the program. ``OUT=file.json`` writes what the table shows.
"""
