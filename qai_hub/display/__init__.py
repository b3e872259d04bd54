"""How objects look: texts of limited length, HTML for notebooks, times."""
