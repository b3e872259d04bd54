"""What the terminal, the log or the notebook shows while a script runs.

`display` selects the form: lines that are rewritten on a terminal (`terminal`, by rich), an element
in a notebook (`notebook`), plain lines elsewhere (`plain`), or nothing. `views` has what is shown.
"""
