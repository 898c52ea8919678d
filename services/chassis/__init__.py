"""What every service is built on; its README says what is here and what may come here.

It knows no event, table, rule, name or port of a service.
"""
