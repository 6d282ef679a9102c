"""The documentation site: `sphinx-build -c docs -b html . build/site`, or `tox -e docs`.

Its pages are the Markdown files of the repository, where they are, so that the same links work on a forge and on the site.
"""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "bench"
author = "The bench developers"
copyright = author
release = version = version_of("classifier-bench")

extensions = ["myst_parser", "sphinx.ext.autodoc", "site_reference"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "changelog.d/README.md",
    "leaderboards/*.md",
    "plugins/*/README.md",
]
exclude_patterns = [".*", "**/.*", "build", "dist", "runs", "bench", "tests"]
html_theme = "furo"
html_title = f"bench {release}"
html_extra_path = ["site_root"]
html_copy_source = False
html_show_sphinx = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

default_role = "literal"  # docstrings write `name`
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r".*")]  # annotations name classes of other libraries and of inner modules
suppress_warnings = ["myst.header"]  # pages whose headings begin at another level
