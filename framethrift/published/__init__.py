"""Published benchmarks and training sets: official annotation files, where they and their videos are, and how to fetch them."""
