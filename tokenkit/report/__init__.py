"""Charts and self-contained HTML pages, for the reports of every part. Needs the extra ``report``.

from tokenkit.report import Section, Table, bar_chart, page
html = page("Tokenizers", "Two of them.", [Section("Size", tables=[Table(["name"], [["a"]])])])
"""

from tokenkit.report.charts import bar_chart, line_chart
from tokenkit.report.page import Section, Table, page

__all__ = ["Section", "Table", "bar_chart", "line_chart", "page"]
