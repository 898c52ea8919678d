"""What an operator can ask the three services, through their public interfaces."""
