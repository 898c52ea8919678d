"""What people read, in Dutch or in English: words for figures, and their explanation. One place for the terminal and
the page."""
