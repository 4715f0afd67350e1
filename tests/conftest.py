"""Being here puts this directory on the path, where the tests find the_book.py."""

# Several modules named conftest confuse the search for doctests; they have none.
collect_ignore_glob = ["*/conftest.py"]
