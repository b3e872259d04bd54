"""Settings of the documentation, which `make docs` builds into build/docs."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

from qai_hub import __version__  # noqa: E402 - as is everything that pip has installed

project = "qai-hub-openapi"
author = "The qai-hub-openapi authors"
version = release = __version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "command_reference",
    "contract_page",
    "docstrings",
    "notebook_page",
    "source_links",
]
# The files in _redoc are copied to the site, except for the README on how to update them.
exclude_patterns = ["_redoc", "_extensions", "_static", "**/README.md"]

# Pages are Markdown that reads well in a repository browser, too.
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
# Attributes are a list: each as an object of its own would stand beside its twin of the class.
napoleon_use_ivar = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
# In docstrings, backticks hold names as well as any other code.
default_role = "code_or_name"

# Every type that a signature names has to lead somewhere, but for those of other packages: they
# would lead to other sites, whose inventories would have to be fetched.
nitpicky = True
nitpick_ignore_regex = [
    ("py:class", r"(collections\.abc|datetime|os|pathlib)\.\w+|date|datetime"),
    ("py:class", r"pd\.DataFrame"),
    # Names that signatures have inside the package: type variables, and what only tests give.
    ("py:class", r"qai_hub\.[\w.]+\.J|qai_hub\.local\.[\w.]+\.RunAttempt"),
    ("py:exc", "DataFolderError"),
    # Backticks in docstrings hold any code: links are made where they can be.
    ("py:obj", ".*"),
]

# Of a console, commands are copied, and not what they print.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

html_theme = "furo"
html_title = f"qai-hub-openapi {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_extra_path = ["_redoc"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options: dict[str, object] = {"top_of_page_buttons": []}
