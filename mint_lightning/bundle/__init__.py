"""What an audit leaves behind: a folder that stands without this program, and can be checked with it."""
