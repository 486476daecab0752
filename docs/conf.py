"""Sphinx settings of the documentation site, which `make docs` builds."""

from importlib import metadata

from docutils import nodes
from sphinx.application import Sphinx

project = "rollback-drills"
release = metadata.version("rollback-drills")
extensions = ["myst_parser"]  # reads the pages as GitHub does
myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["misc.highlighting_failure"]  # documents are shown shortened
html_theme = "furo"  # its fonts and scripts come with it: the site works without a network
html_title = "rollback-drills"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]
nitpicky = True


def setup(app: Sphinx) -> None:
    """Mark code with several words: it may be broken between them, and flags and names may not."""

    def mark(_: Sphinx, page: nodes.document) -> None:
        for code in page.findall(nodes.literal):
            if " " in code.astext():
                code["classes"].append("words")

    app.connect("doctree-read", mark)
