"""The picture and the table of docs/words.md are what the patchers say."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.samples import documents
from tokenkit.words import Patcher, Space, Word

SCRIPT = Path(__file__).parents[2] / "examples" / "patches.py"
SENTENCE = "The naïve café in 東京 opened on 3 May 1998."


def test_table_and_picture(tmp_path):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in documents()[:41])
    (tmp_path / "topics.jsonl").write_text(lines)
    command = [sys.executable, str(SCRIPT), str(tmp_path), "--svg", str(tmp_path / "p.svg")]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    rows = dict(line.strip("| ").split(" | ") for line in run.stdout.splitlines() if "`" in line)
    assert len(rows) == 10
    lengths = sorted(Patcher(Word()).patch_batch(documents()[:41:20]).lengths.values.tolist())
    mean, _, longest = rows["`Word()`"].split(" / ")
    assert float(mean) == round(sum(lengths) / len(lengths), 2)
    assert int(longest) == lengths[-1]

    svg = ET.parse(tmp_path / "p.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    names = [t.text for t in svg.iter(space + "text") if t.get("class") == "name"]
    assert [f"`{name}`" for name in names] == list(rows)
    tops = [rect.get("y") for rect in svg.iter(space + "rect") if rect.get("rx")]
    per_row = [tops.count(top) for top in dict.fromkeys(tops)]
    assert per_row[1] == len(Patcher(Space()).starts(SENTENCE))
