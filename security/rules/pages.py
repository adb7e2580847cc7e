# ruff: noqa
from jinja2 import Environment, Template
from markupsafe import Markup

# ruleid: page-unescaped-by-python
Environment(loader=loader)
# ruleid: page-unescaped-by-python
Environment(loader=loader, autoescape=False)
# ruleid: page-unescaped-by-python
Markup(text)
# ok: page-unescaped-by-python
Environment(loader=loader, autoescape=True)
# ok: page-unescaped-by-python
Markup("<br>")
