"""A text that is not JSON is explained in plain words, with the place and what to write."""

import pytest

from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"owners": ["a",]}', "a comma before the closing bracket (remove it), line 1 column 16"),
        ('{"a": 1,\n}', "a comma before the closing bracket (remove it), line 1 column 8"),
        ("[1, ,]", "a comma before the closing bracket (remove it), line 1 column 5"),
        ('{"a": 1,, "b": 2}', "a comma too many (remove it), line 1 column 9"),
        ('{"a": 1 "b": 2}', "a comma is missing (write it), line 1 column 9"),
        ('{"a" 1}', "a colon is missing (write it), line 1 column 6"),
        ("{a: 1}", "a key without double quotes (write them), line 1 column 2"),
        ("{'a': 1}", "a single quote (write double quotes), line 1 column 2"),
        ("{“a”: 1}", 'a typographic quote (write "), line 1 column 2'),
        (
            '{"a": 030}',
            "a number in a form that JSON does not have (write one such as 30 or 0.5), line",
        ),
        ('{"a": 1_000}', "a number in a form that JSON does not have"),
        ('{"a": 0x1e}', "a number in a form that JSON does not have"),
        ('{"a": [.5]}', "a number in a form that JSON does not have"),
        ('{"a": +5}', "a number in a form that JSON does not have"),
        ('{"a": 5 6}', "a comma is missing (write it), line 1 column 9"),
        ('{"a": 5 "b": 6}', "a comma is missing (write it), line 1 column 9"),
        ('{"a": True}', "a word of Python (write true, false or null), line 1 column 7"),
        (
            '{"a": production}',
            "no value (write a text in quotes, a number, true, false or null), line 1 column 7",
        ),
        ('{"a": "x}', "a text without a closing quote (write it), line 1 column 7"),
        ('{"a": "x\ny"}', r"a line break or tab within a text (write \n or \t), line 1 column 9"),
        (r'{"a": "C:\docs"}', r"a backslash that means nothing (write \\), line 1 column 10"),
        ('{"a": 1}\n{"b": 2}', "there is more behind the end of the document (remove it), line 2 column 1"),
        ('{\n  // why\n  "a": 1}', "a comment (JSON has none, so remove it), line 2 column 3"),
        ('{"a": 1', "it ends too early (add what is missing), line 1 column 8"),
        ('{\0"\0a\0', "it holds NUL characters (save it as UTF-8, or restore it), line 1 column 2"),
        ("\0" * 50, "it holds NUL characters (save it as UTF-8, or restore it), line 1 column 1"),
        ('{"a": "x\0"}', "it holds NUL characters (save it as UTF-8, or restore it), line 1 column 9"),
        ("<!DOCTYPE html>", "it is HTML or XML (is it the right file?), line 1 column 1"),
        (
            "\ufeff\ufeff{}",
            "it begins with two byte order marks (save it as UTF-8 without them), line 1 column 1",
        ),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:ab\n",
            "it is a pointer of Git LFS (run git lfs pull), line 1 column 1",
        ),
        (
            '{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> main\n}',
            "it has the marks of a merge conflict (resolve it), line 2 column 1",
        ),
    ],
)
def test_what_is_not_json_is_said_in_plain_words(text: str, fault: str) -> None:
    problem = parse_document(Schedule, text.encode(), "schedule.json").problem

    assert problem.startswith(f"schedule.json: is not JSON: {fault}")
