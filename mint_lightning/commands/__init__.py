"""One file per command of the door; each imports what it needs when it runs."""
