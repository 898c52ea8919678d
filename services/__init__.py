"""The three services and the plumbing they share. Services know each other only through `contracts`."""
