"""One HTML page without anything outside it: opened from disk, mailed, kept with the results."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenkit.errors import MissingExtraError


@dataclass(frozen=True)
class Table:
    """Cells as they are shown; those that look like numbers are set to the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it, in this order: paragraphs, tables, figures.

    ``text``: paragraphs, an empty line between two. ``figures``: SVG text, put in unescaped: only
    what `bar_chart` and `line_chart` made belongs there.
    """

    heading: str
    text: str = ""
    tables: Sequence[Table] = ()
    figures: Sequence[str] = ()


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The page as text; everything but figures is escaped.

    Raises MissingExtraError without jinja2.
    """
    try:
        from jinja2 import Environment
    except ImportError:
        raise MissingExtraError("HTML reports need jinja2", "report") from None
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.tests["figure"] = _is_figure
    template = environment.from_string(_TEMPLATE)
    return template.render(title=title, lead=lead, sections=sections)


def _is_figure(cell: object) -> bool:
    """Whether a cell is figures, such as "1,024", "14.0 %", "2.1×" or "0.96 ± 0.01"."""
    text = str(cell)
    return any(map(str.isdigit, text)) and not text.strip("0123456789.,+-−±%×–() ")


_TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
:root { color-scheme: light dark; --line: #cfd8dc; --soft: #607d8b; --mark: #00897b }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.7rem; margin-bottom: .3rem }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 2px solid var(--mark) }
.lead, caption { color: var(--soft) }
caption { text-align: left; font-size: .9rem; padding: .2rem 0 }
.wide { overflow-x: auto }
table { border-collapse: collapse; margin: 1rem 0; font-size: .9rem }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: left }
td { white-space: pre-wrap; overflow-wrap: anywhere; max-width: 30rem; vertical-align: top }
td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
figure { margin: 1rem 0; background: #fff; border-radius: 6px }
figure svg { width: 100%; height: auto }
</style>
</head>
<body>
<h1>{{ title }}</h1>
<p class="lead">{{ lead }}</p>
{% for section in sections %}
<h2>{{ section.heading }}</h2>
{% for paragraph in section.text.split("\\n\\n") if paragraph %}
<p>{{ paragraph }}</p>
{% endfor %}
{% for table in section.tables %}
<div class="wide"><table>
{% if table.caption %}
<caption>{{ table.caption }}</caption>
{% endif %}
<tr>{% for cell in table.header %}<th>{{ cell }}</th>{% endfor %}</tr>
{% for row in table.rows %}
<tr>
{% for cell in row %}
<td{% if cell is figure %} class="n"{% endif %}>{{ cell }}</td>
{% endfor %}
</tr>
{% endfor %}
</table></div>
{% endfor %}
{% for drawing in section.figures %}
<figure>{{ drawing | safe }}</figure>
{% endfor %}
{% endfor %}
</body>
</html>
"""
