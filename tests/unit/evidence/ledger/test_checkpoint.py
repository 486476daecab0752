import struct
from base64 import b64decode, b64encode
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sigstore.errors import VerificationError

from rollback_drills.errors import UsageError
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote, read_witnesses
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from tests.samples.builders import KEY
from tests.samples.tampering import OTHER_KEY

ROOT = bytes(range(32))
HEAD = Checkpoint(KEY.name, 17, ROOT)
NOTE = SignedNote.sign(HEAD.text, [KEY])

# The example of Go's note package, golang.org/x/mod/sumdb/note.
GO_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_PUBLIC_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJn"
    "AM=\n"
)


def test_the_example_of_gos_note_package_is_signed_and_verified_alike() -> None:
    key = SigningKey.parse(GO_KEY)
    text = GO_NOTE.partition("\n\n")[0] + "\n"

    assert key.public.text == GO_PUBLIC_KEY
    assert str(SignedNote.sign(text, [key])) == GO_NOTE
    assert SignedNote.parse(GO_NOTE).is_signed_by(PublicKey.parse(GO_PUBLIC_KEY))
    assert key.to_text() == GO_KEY


class Keyring:
    """Verifies for sigstore, with `cryptography` alone."""

    def verify(self, *, key_id: Any, signature: bytes, data: bytes) -> None:
        del key_id
        key = b64decode(KEY.public.text.rpartition("+")[2])[1:]
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
        except InvalidSignature:
            raise VerificationError("wrong signature") from None


@pytest.mark.parametrize(("key", "fits"), [(KEY, True), (OTHER_KEY, False)])
def test_sigstore_reads_and_verifies_our_checkpoints(key: SigningKey, fits: bool) -> None:
    signed = SignedCheckpoint.from_text(str(SignedNote.sign(HEAD.text, [key])))
    key_id = struct.unpack(">4s", key.public.key_id)[0]

    def verify() -> None:
        signed.signed_note.verify(cast("Any", Keyring()), cast("Any", key_id))

    assert (signed.checkpoint.origin, signed.checkpoint.log_size) == (KEY.name, 17)
    assert signed.checkpoint.log_hash == ROOT.hex()
    if fits:
        verify()
    else:
        with pytest.raises(VerificationError):
            verify()


def test_a_note_comes_back_as_it_was_written() -> None:
    note = SignedNote.sign(HEAD.text, [KEY, OTHER_KEY])

    assert SignedNote.parse(str(note)) == note
    assert Checkpoint.parse(note.text) == HEAD
    assert note.is_signed_by(KEY.public)
    assert note.is_signed_by(OTHER_KEY.public)
    assert not NOTE.is_signed_by(OTHER_KEY.public)
    assert not SignedNote(NOTE.text.replace("17", "18"), NOTE.signatures).is_signed_by(KEY.public)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(str(NOTE), id="note"),
        pytest.param(f"\n\n{NOTE}\n\n", id="note with lines around it"),
        pytest.param(f"Evidence head: {HEAD.short}", id="line of a notification"),
        pytest.param(f"*Evidence head*\n> {HEAD.short} and more", id="line within a message"),
    ],
)
def test_a_head_that_was_kept_elsewhere_is_read_as_it_was_kept(text: str) -> None:
    (witness,) = read_witnesses(text)

    assert (witness.size, witness.root) == (17, ROOT)


@pytest.mark.parametrize("between", ["", "\n", "\n\n\n"])
def test_every_head_of_a_file_is_read(between: str) -> None:
    heads = [Checkpoint("a ledger", size, ROOT, previous) for size, previous in ((3, 0), (17, 3), (20, None))]
    notes = [str(SignedNote.sign(each.text, [KEY, OTHER_KEY])) for each in heads]

    assert read_witnesses(between.join(notes)) == heads
    assert [each.size for each in read_witnesses("\n".join(each.short for each in heads))] == [3, 17, 20]


@pytest.mark.parametrize("cut_off", [1, 8, 20])
def test_a_head_of_which_a_part_is_missing_does_not_hide_behind_another(cut_off: int) -> None:
    short = HEAD.short

    with pytest.raises(UsageError, match=r"^line 2 is no checkpoint: a part of SIZE ROOT is missing"):
        read_witnesses(f"{short}\n{short[:-cut_off]}\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        f"0 {b64encode(ROOT).decode()}",
        f"17 {b64encode(ROOT).decode()} 0 {b64encode(ROOT).decode()}",
        f"{NOTE}and more\n",
        "17",
        "\n\n",
        "a\n\nb",
        f"17 {b64encode(ROOT[:31]).decode()}",
        str(NOTE).replace("17", "-1"),
    ],
)
def test_what_is_no_head_is_one_message(text: str) -> None:
    with pytest.raises(UsageError):
        read_witnesses(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "a\nb\nc\n", f"a\n01\n{b64encode(ROOT).decode()}\n", f"\n1\n{b64encode(ROOT).decode()}\n"),
        *(f"a\n1\n{b64encode(ROOT[1:]).decode()}\n", f"a\n{'9' * 30}\n{b64encode(ROOT).decode()}\n"),
    ],
)
def test_what_is_no_checkpoint_is_one_message(text: str) -> None:
    with pytest.raises(UsageError, match="no checkpoint"):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "a+b+c", "a+00000000+AAAA", KEY.public.text[:-4], KEY.public.text.replace("+", "+0", 1)),
        KEY.public.text.replace("rollback", "rollforward"),
        *("a+b+é", f"\udcff+00000000+{GO_PUBLIC_KEY.rpartition('+')[2]}"),  # the second one is no UTF-8
        *(PublicKey(name, bytes(32)).text for name in ("", "a b", "a\nb", "a\u2028b", "a\u00a0b", "a+b")),
    ],
)
def test_a_damaged_key_is_one_message(text: str) -> None:
    with pytest.raises(UsageError):
        PublicKey.parse(text)
    with pytest.raises(UsageError) as caught:
        SigningKey.parse(f"PRIVATE+KEY+{text}")
    assert len(text) < 9 or text not in str(caught.value)


def test_a_key_is_not_shown_by_accident() -> None:
    assert "seed" not in repr(KEY)
    assert b64encode(KEY.seed).decode() not in repr(SimpleNamespace(key=KEY))


def test_a_number_of_another_script_is_no_size() -> None:
    root = b64encode(ROOT).decode()

    with pytest.raises(UsageError, match="no checkpoint"):
        Checkpoint.parse(f"a\n1٣\n{root}\n")
    with pytest.raises(UsageError, match="holds no checkpoint"):
        read_witnesses(f"1٣ {root}")


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(str(NOTE).removesuffix("\n"), id="without its last line break"),
        pytest.param(str(NOTE).replace("\n\n", "\n"), id="without the empty line"),
        pytest.param(str(NOTE).replace("— ", "- "), id="another dash"),
        pytest.param(f"{NOTE}\n", id="a line more"),
        pytest.param(str(NOTE)[:-1] + "\x0b" + str(NOTE).rpartition("\n\n")[2], id="lines broken by a tab"),
        pytest.param(f"\x00{NOTE}", id="NUL"),
        pytest.param(f"\ud800{NOTE}", id="half of a surrogate pair"),
        pytest.param("x" * 1_000_000 + str(NOTE), id="a million characters"),
        pytest.param(str(NOTE).replace("\n", "\r\n"), id="line ends of Windows"),
    ],
)
def test_what_is_no_note_is_one_message(note: str) -> None:
    with pytest.raises(UsageError, match="no signed note"):
        SignedNote.parse(note)


def test_a_head_from_windows_is_read_by_its_size_and_root() -> None:
    assert read_witnesses(str(NOTE).replace("\n", "\r\n")) == [Checkpoint("", 17, ROOT)]


@given(st.text(), st.integers(0, len(str(NOTE))), st.integers(0, 3))
def test_a_note_that_was_damaged_anywhere_is_refused_or_not_signed(piece: str, start: int, cut: int) -> None:
    text = str(NOTE)
    damaged = text[:start] + piece + text[start + cut :]

    try:
        note = SignedNote.parse(damaged)
        Checkpoint.parse(note.text)
    except UsageError:
        return
    assert note.text == NOTE.text or not note.is_signed_by(KEY.public)


@given(st.text())
def test_no_text_at_all_is_a_traceback(text: str) -> None:
    for parse in (SignedNote.parse, Checkpoint.parse, PublicKey.parse, SigningKey.parse, read_witnesses):
        with pytest.raises(UsageError):
            parse(text)
