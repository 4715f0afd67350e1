"""Being here puts this directory on the path, where the tests find the_book.py."""
