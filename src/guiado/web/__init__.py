"""Pages for people: the home page and the API reference. They load nothing from other hosts."""
