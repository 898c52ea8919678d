"""The operator's command and everything it needs; speaks to the services through their public interfaces."""
