"""Sphinx on the staged tree (see stage.py): Markdown by MyST, the Python package from its docstrings, the theme Furo."""

import mixwell

project = "Mixwell"
author = "the Mixwell contributors"
release = mixwell.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
root_doc = "docs/README"

# Headings of the pages are link targets as on a code forge.
myst_heading_anchors = 4

# Docstrings write code between single backticks too.
default_role = "code"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"Mixwell {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "tango"
pygments_dark_style = "monokai"
