"""What every part of Webstreet may use: errors, typed names, the clock, secrets, ends of processes.

Owns no behaviour of the product. Standard library only, and a closed list: a new module here needs a decision record.
"""
