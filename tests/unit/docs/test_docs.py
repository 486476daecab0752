"""The documentation names only what exists: links, commands, flags, variables and make targets."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from rollback_drills.names.environment_variables import NAMES_OF_CAVRA, VARIABLES
from rollback_drills.redaction.secret_variables import OF_OTHERS, OWN
from rollback_drills.settings import Settings
from tests.checkout import ROOT
from tests.reading.commands import COMMANDS, TOP
from tests.reading.documentation import (
    FURTHER,
    PAGES,
    SOURCES,
    TEXTS,
    anchors,
    code_blocks,
    code_spans,
    rows,
)

COMMANDS_PAGE = TEXTS["docs/reference/commands.md"]
ENVIRONMENT_PAGE = TEXTS["docs/reference/environment.md"]
MOVING_PAGE = "docs/how-to/move-from-cavra.md"
GROUPS = {words[:1] for words in COMMANDS if len(words) > 1}


def long_flags(command: click.Command) -> set[str]:
    """Return the long names of the options of a command; not those that old scripts alone may use."""
    return {
        flag
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
        for flag in (*parameter.opts, *parameter.secondary_opts)
        if flag.startswith("--") and flag != "--help"
    }


def find(words: list[str]) -> tuple[str, ...] | None:
    """Return the words of the command that a line calls; None if there is no such command."""
    return next((known for known in COMMANDS if tuple(words[: len(known)]) == known), None)


# ------------------------------------------------------------------------------------------------ links


@pytest.mark.parametrize("page", PAGES, ids=list(TEXTS))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text()):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there.read_text()), f"{target}#{anchor}"


def test_an_index_leads_to_every_page() -> None:
    docs = ROOT / "docs"
    for page in docs.rglob("*.md"):
        index = next(each / "index.md" for each in page.parents if (each / "index.md").exists())
        if page == index:
            continue
        assert f"]({page.relative_to(index.parent)})" in index.read_text(), page
    assert "](decisions/index.md)" in TEXTS["docs/index.md"]


def test_every_picture_is_shown_somewhere() -> None:
    shown = "\n".join(TEXTS.values())
    assert [
        each.name for each in (ROOT / "docs/images").iterdir() if f"images/{each.name})" not in shown
    ] == []


# ------------------------------------------------------------------------------------------------ commands


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", FURTHER["Makefile"], re.MULTILINE))

    for name, text in (TEXTS | FURTHER).items():
        assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets, name


def shell_lines(text: str, program: str) -> Iterator[list[str]]:
    """Yield the arguments of every call of a program in the code blocks of a page."""
    for block in code_blocks(text, "sh", "yaml", ""):
        for line in block.replace("\\\n", " ").splitlines():
            called = re.search(rf"(?:^|[\s$]){program} (?!\S+: )(.+)", line)
            if called:
                yield shlex.split(re.split(r" (?:>|\|\|) |; ", called[1])[0], comments=True)


def own(words: list[str]) -> list[str]:
    """Return the arguments before `--`: what follows is of another program."""
    return words[: words.index("--")] if "--" in words else words


def is_unusable(words: list[str]) -> str:
    """Return what is wrong with the arguments of a call of `drills`; empty if it would run."""
    known = find(words)
    if known is None:
        return "no such command"
    try:
        COMMANDS[known].make_context("drills", words[len(known) :])
    except click.exceptions.Exit:
        return ""
    except click.ClickException as error:
        return error.format_message()
    flags = {word.partition("=")[0] for word in own(words) if word.startswith("--")}
    return ", ".join(f"{flag} is not shown by --help" for flag in flags - long_flags(COMMANDS[known]))


def test_every_example_of_a_command_can_be_run() -> None:
    examples = [
        (name, words)
        for name, text in TEXTS.items()
        for words in shell_lines(text, "drills")
        if words and not words[0].startswith("--")
    ]
    guide = SOURCES["rollback_drills/evidence/export/VERIFY.md"]
    examples += [
        ("VERIFY.md", line.split()) for line in re.findall(r"^    drills (.+)$", guide, re.MULTILINE)
    ]
    next_steps = FURTHER["examples/run.py"].partition('NEXT = """')[2].partition('"""')[0]
    examples += [
        ("examples/run.py", shlex.split(line))
        for line in re.findall(r"^  drills (.+?)(?:  .*)?$", next_steps, re.MULTILINE)
    ]

    assert len(examples) > 60
    assert {
        f"{name}: drills {shlex.join(words)}": said
        for name, words in examples
        if (said := is_unusable(words))
    } == {}


def test_every_command_and_flag_in_the_prose_exists() -> None:
    spans = [(name, span) for name, text in TEXTS.items() for span in code_spans(text)]
    spans += [
        (name, span)
        for name, text in (SOURCES | FURTHER).items()
        for span in re.findall(r"`(drills [^`\n{]+)`", text)
    ]
    calls = [(name, span.split()[1:]) for name, span in spans if span.startswith("drills ")]
    assert len(calls) > 150
    wrong = []
    for name, words in calls:
        command = find(words)
        known = long_flags(TOP) | {"--help"} if command is None else long_flags(COMMANDS[command])
        is_named = command is not None or words[0] in ("COMMAND", *known) or (words[0],) in GROUPS
        if not is_named or not {word for word in own(words) if word.startswith("--")} <= known:
            wrong.append((name, words))
    assert wrong == []


def test_every_flag_in_the_prose_exists_and_is_shown() -> None:
    known = set.union(*map(long_flags, COMMANDS.values()), long_flags(TOP)) | {"--help"}
    of_cavra = {"--runtime-path", "--policy-path", "--package-dir"}  # what CAVRA had, and what to leave out
    for name, text in TEXTS.items():
        flags = {span.split()[0].partition("=")[0] for span in code_spans(text) if span.startswith("--")}
        assert flags - known - of_cavra == set(), name
        # A path has `--schedule`, an id `--schedule-id`; two pages say that the old spelling works.
        may_say_it = name in ("docs/reference/commands.md", "CHANGELOG.md")
        assert may_say_it or "--schedule ID" not in text, name


def described_commands() -> list[tuple[tuple[str, ...], set[str], str]]:
    """Return each command of the reference with the flags that its row names, and the row."""
    found = []
    for first, second in rows(COMMANDS_PAGE, "| command |"):
        for called in re.findall(r"`drills ([^`]+)`", first):
            words = find(called.split())
            assert words is not None, called
            found.append((words, set(re.findall(r"`(--[\w-]+)`", second)), second))
    return found


def test_the_reference_lists_every_command_once() -> None:
    listed = Counter(words for words, _, _ in described_commands())

    assert {words for words, count in listed.items() if count > 1} == set()
    assert set(COMMANDS) - set(listed) == set()


def common_flags(command: str) -> set[str]:
    """Return the common flags that the reference states for a command."""
    return {
        flag
        for names, said in rows(COMMANDS_PAGE, "| flag |")
        if f"`{command}`" not in said.partition("not for")[2]
        for flag in re.findall(r"`(--[\w-]+)`", names)
    }


def test_the_reference_lists_the_flags_of_every_command() -> None:
    sharing = COMMANDS_PAGE.partition("Common flags of")[2].partition(", with")[0]
    of_record = set(
        re.findall(r"`(--[\w-]+)`", COMMANDS_PAGE.partition("## Record")[2].partition("\n## ")[0])
    )
    described = {words: flags for words, flags, _ in described_commands()}
    wrong = {}
    for words, named, row in described_commands():
        command = " ".join(words)
        shared = common_flags(command) if f"`{command}`" in sharing else set()
        optional = common_flags(command) if "as above" in row else set()
        if "those of `plan`" in row:
            optional |= described["plan",]
        if command == "record":
            optional |= common_flags(command) | of_record
        options = [
            set(each.opts)
            for each in COMMANDS[words].params
            if isinstance(each, click.Option) and not each.hidden
        ]
        missing = [sorted(names) for names in options if not names & (named | shared | optional)]
        invented = (named | shared) - long_flags(COMMANDS[words])
        if missing or invented:
            wrong[words] = {"not in the reference": missing, "not in the program": invented}
    assert wrong == {}


def test_nobody_is_sent_to_an_index_for_the_package() -> None:
    # The name belongs to nobody there: whoever registers it would run code at the users.
    for name, text in (TEXTS | FURTHER | SOURCES).items():
        assert not re.search(
            r"\b(pip|pipx|uv|uvx)\b[^\n`]*\s['\"]?rollback-drills(?![\w/-]*/)['\"]?\b", text
        ), name


# ------------------------------------------------------------------------------------------------ variables

_VARIABLE = re.compile(r"\b(?:CAVRA|DRILLS)_[A-Z_]+[A-Z]\b")


def test_every_variable_in_the_documentation_exists() -> None:
    others = {"DRILLS_TEST_POSTGRES", "DRILLS_TEST_MANY_EXAMPLES", *(f"{name}_FILE" for name in OWN)}
    for name, text in (TEXTS | FURTHER).items():
        known = set(VARIABLES.values()) | others
        if name == MOVING_PAGE:
            known |= set(NAMES_OF_CAVRA.values())
        assert set(_VARIABLE.findall(text)) <= known, name


def test_the_page_for_those_who_move_lists_both_names_of_each_variable() -> None:
    listed = {(before.strip("`"), now.strip("`")) for before, now in rows(TEXTS[MOVING_PAGE], "| of CAVRA |")}

    assert listed == {(theirs, VARIABLES[setting]) for setting, theirs in NAMES_OF_CAVRA.items()}


def test_both_names_of_a_variable_stand_in_one_module() -> None:
    names = "|".join(NAMES_OF_CAVRA.values())

    assert [name for name, text in SOURCES.items() if re.search(names, text)] == [
        "rollback_drills/names/environment_variables.py"
    ]


def test_every_variable_of_the_program_is_in_the_reference() -> None:
    listed = [
        variable
        for row in rows(ENVIRONMENT_PAGE, "| variable | default |")
        for variable in re.findall(r"`([A-Z_]+)`", row[0])
    ]
    used = {variable for text in SOURCES.values() for variable in _VARIABLE.findall(text)}
    read = {
        variable
        for text in SOURCES.values()
        for variable in re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', text)
        if variable != "COLUMNS"
    }

    assert [each for each, count in Counter(listed).items() if count > 1] == []
    assert (used | read | set(VARIABLES.values())) - set(listed) == set(NAMES_OF_CAVRA.values())


def test_the_reference_lists_every_secret_that_may_come_from_a_file() -> None:
    listed = [row[:2] for row in rows(ENVIRONMENT_PAGE, "| variable | or the file |")]

    named = {tuple(each) for each in listed if each[0].startswith("`")}
    assert named == {(f"`{name}`", f"`{name}_FILE`") for name in (*OWN, *OF_OTHERS)}


def test_the_reference_states_the_default_of_every_setting() -> None:
    written = {
        row[0].strip("`"): row[1].strip("`") for row in rows(ENVIRONMENT_PAGE, "| variable | default |")
    }
    defaults = Settings()

    for setting, variable in VARIABLES.items():
        default = getattr(defaults, setting)
        if default is None:
            continue
        shown = f"{default:g}" if isinstance(default, int | float) else str(default)
        assert written[variable] == shown, variable


# ------------------------------------------------------------------------------------------- Prefect's UI


def test_no_page_sends_anybody_to_a_menu_that_prefect_does_not_have() -> None:
    menus = {
        *("Dashboard", "Runs", "Flows", "Deployments", "Work Pools", "Blocks", "Variables"),
        *("Automations", "Event Feed", "Concurrency", "Settings"),
    }
    page = TEXTS["docs/audit-trail.md"]
    begins = [row[1] for row in rows(page, "| question |")] + re.findall(r"^\*[^*]+\*", page, re.MULTILINE)

    assert len(begins) > 9
    assert {named for each in begins for named in re.findall(r"^\*([^*]+)\*", each)} <= menus
    assert all(each.startswith("*") for each in begins)


def test_the_contributing_page_names_every_package() -> None:
    table = {row[0] for row in rows(TEXTS["CONTRIBUTING.md"], "| package |")}
    chain = TEXTS["CONTRIBUTING.md"].partition("Imports point inward:")[2].partition(". ")[0]
    packages = re.search(r"^root_packages = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert packages

    for package in re.findall(r'"(\w+)"', packages[1]):
        assert any(f"`{package}/`" in each for each in table), package
        assert f"`{package}`" in chain, package
