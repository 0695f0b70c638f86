"""The operator's console: pages under /console/ on Django's admin, styled by unfold.

Owns no rules: it shows what the models say and calls the same actions as the API. Only members with the role operator get in.
"""
