"""Which endings of host names are also something else in the texts of drills: endings of files, and words."""

from typing import Final

# What each is to https://github.com/github-linguist/linguist/blob/main/lib/linguist/languages.yml or
# https://gitlab.freedesktop.org/xdg/shared-mime-info, if a reader of a runbook thinks of a file first.
FILE_ENDINGS: Final = {
    "cab": "Windows cabinet",
    "cc": "C++",
    "dot": "Graphviz",
    "java": "Java",
    "map": "source map",
    "md": "Markdown",
    "mk": "makefile",
    "mov": "QuickTime",
    "pl": "Perl",
    "pm": "Perl module",
    "properties": "Java properties",
    "ps": "PostScript",
    "pub": "public key of OpenSSH",
    "py": "Python",
    "rs": "Rust",
    "save": "copy that an editor kept",
    "sh": "shell",
    "so": "shared library",
    "target": "systemd target",
    "tf": "Terraform",
    "zip": "ZIP archive",
}
"""Endings that make no host of a name, unless the Public Suffix List has one more label: `acme.com.py`."""

IDENTIFIER_WORDS: Final = frozenset(
    """
    audio author auto black blue book boo box build call care case channel click codes compare
    contact country data date day deal delivery delta docs download email engineering events exchange
    fail final fire free gift group guide health help here host how id jobs link loan locker
    management market men menu ms name new next now observer open parts pay phone photo pid pin place
    play plus post press prime prod productions promo property protection read red repair report rest
    review reviews room run safe sale search seat secure security select show space spot star storage
    stream style supply support tab talk team total trade trading training tube video vision vote watch
    weather win zone
    """.split()
)
"""Words with which names of keys, topics and packages end: `payments.orders.events`, `metadata.name`."""

SENTENCE_WORDS: Final = frozenset("All As At Be Do How In Is It Me My New No Now Open Read See So To".split())
"""Words with which a sentence begins, after one that ends without a blank: `Drained.No errors`."""

PREPOSITIONS: Final = frozenset("as at be by in is to".split())
"""Endings of names of facts: `executed.at`, `approved.by`."""

SPECIAL_NAMES: Final = frozenset(
    """
    arpa corp example home internal intra intranet invalid lan local localdomain onion private svc test
    """.split()
)
"""Endings of hosts that are in no public list: RFC 2606, RFC 6761, RFC 8375, and what networks use."""

ENVIRONMENTS: Final = frozenset("dev example home local private prod test".split())
"""Endings that also stand behind the name of a file, or of one that begins with a dot: `.env.local`."""

ENVIRONMENT_FILES: Final = frozenset(
    "compose config dockerfile env jenkinsfile makefile procfile requirements settings values".split()
)
"""Files of which each environment has one: `Dockerfile.dev`."""

FILE_SUFFIXES: Final = frozenset(
    """
    cfg conf config css csv env go gz h hcl htm html ini js json jsonl jsx kt log lua php properties
    proto ps1 py rb rs service sh socket sql tar tf tfvars timer toml ts tsx txt xml yaml yml
    """.split()
)
"""Endings of files, behind which a second ending follows: `config.yaml.example`, `config.h.in`."""

FILE_STEMS: Final = {
    "ac": frozenset({"configure"}),
    "am": frozenset({"makefile"}),
    "by": frozenset({"group", "order", "sort"}),
    "com": frozenset({"command"}),
    "home": frozenset({"java", "user"}),
    "in": frozenset(
        "bytes configure log makefile manifest opt packets requirements setup sign system".split()
    ),
    "info": frozenset({"console", "log", "logger", "logging"}),
    "io": frozenset({"java", "k8s", "kubernetes", "socket", "system"}),
    "me": frozenset({"readme", "read"}),
    "net": frozenset({"ado", "asp", "java", "paint", "vb"}),
    "to": frozenset({"mail", "valid"}),
    "work": frozenset({"go"}),
}
"""Names of files, products and packages that read like hosts, by ending: `requirements.in`, `ASP.NET`."""

HOST_LABELS: Final = (
    r"(?:admin|api|apps?|auth|backend|bastion|broker|build|cache|cdn|ci|cluster|console|db|demo|dev|dns|docs"
    r"|edge|ftp|gateway|git|gitlab|grafana|gw|haproxy|host|id|idp|imap|intranet|jenkins|jira|jump|k8s|kafka|kibana|ldap"
    r"|lb|login|m|mail|master|metrics|mq|mx|mysql|nginx|node|ns|ntp|pg|pop3?|portal|postgres|prod|prometheus"
    r"|proxy|redis|registry|replica|sftp|shop|smtp|splunk|srv|ssh|sso|stage|staging|static|status|support|test"
    r"|uat|vault|vm|vpn|web|wiki|www)(?:-?[0-9]{1,3})?"
)
"""The first label of many hosts: before a word of identifiers it makes `api.acme.events` a host."""
