"""What is wrong with a tokenizer, and what a model makes of it.

    from tokenkit.audit import audit
    report = audit(tokenizer)

`audit` needs the tokenizer only; `phantom` compares what a model wrote with what it read, `probe`
makes it write, and `forcing` looks for what it was made to hide.
"""

from tokenkit.audit.checks import CHECKS, added_tokens_of, audit, audit_added_tokens
from tokenkit.audit.cuts import CutRule, cut_rules, safe_cuts
from tokenkit.audit.encodings import Encodings
from tokenkit.audit.findings import SEVERITIES, Audit, Example, Finding, Severity
from tokenkit.audit.forcing import Candidate, force_tokens
from tokenkit.audit.phantom import Artifact, Comparison, Edit, compare, phantom_ids
from tokenkit.audit.probe import ProbeReport, run_probe
from tokenkit.audit.reach import Category, categories
from tokenkit.audit.vocabulary import Vocabulary

__all__ = [
    "CHECKS",
    "SEVERITIES",
    "Artifact",
    "Audit",
    "Candidate",
    "Category",
    "Comparison",
    "CutRule",
    "Edit",
    "Encodings",
    "Example",
    "Finding",
    "ProbeReport",
    "Severity",
    "Vocabulary",
    "added_tokens_of",
    "audit",
    "audit_added_tokens",
    "categories",
    "compare",
    "cut_rules",
    "force_tokens",
    "phantom_ids",
    "run_probe",
    "safe_cuts",
]
