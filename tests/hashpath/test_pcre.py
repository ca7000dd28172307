"""Regular expressions as PHP's preg_match() takes them; held against the real PCRE where the machine has it."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from misp_workflow.errors import RunnerError
from misp_workflow.php import pcre


@pytest.mark.parametrize(
    ("pattern", "subject", "found"),
    [
        ("/^ip-/", "ip-src", True),
        ("/^IP-/i", "ip-src", True),
        ("#ip#", "ip-src", True),
        ("  {ip}", "ip-src", True),
        ("(i(p))", "ip-src", True),
        ("/h.llo/", "héllo", False),  # two bytes
        ("/h.llo/u", "héllo", True),
        ("/h..llo/", "héllo", True),
        ("/É/i", "é", False),
        ("/É/iu", "é", True),
        (r"/^\w$/", "é", False),
        (r"/^\w$/u", "é", True),
        ("/a$/", "a\n", True),
        ("/a$/D", "a\n", False),
        ("/^b/m", "a\nb", True),
        ("/^$/m", "a\n", False),  # PCRE sees no line after the last line break
        ("/a.b/", "a\nb", False),
        ("/a.b/s", "a\nb", True),
        ("/b/A", "ab", False),
        ("/a b # c/x", "ab", True),
        ("/a+b/U", "aab", True),
        (r"/\Qa.b\E/", "axb", False),
        (r"/\Qa.b\E/", "a.b", True),
        (r"/^\h+$/", "\t ", True),
        (r"/^\R$/", "\r\n", True),
        (r"/^[[:alpha:]]+$/", "abc", True),
        (r"/^a{,2}$/", "a{,2}", True),  # no quantifier to PCRE
        (r"/^a{,2}$/", "aa", False),
        (r"/^\y$/", "y", True),  # what PCRE does not know stands for itself in PHP
        (r"/(?<first>a)\k<first>/", "aa", True),
        (r"/(a)\g{-1}/", "aa", True),
        (r"/a(?i)b|c/", "aB", True),
        (r"/a(?i)b|c/", "C", True),
        (r"/a(?i:b)c/", "aBC", False),
        (r"/\x41\101/", "AA", True),
        (r"/[]a]/", "]", True),
        (r"/^[^\W]$/", "a", True),
        (r"/^\N$/", "a", True),
        (r"/^\o{101}\cA\xA$/", "A\x01\n", True),
        (r"/^\x{41}$/", "A", True),
        (r"/(?'n'a)(?P=n)/", "aa", True),
        (r"/^(a)?(?(1)b|c)$/", "ab", True),
        (r"/^(a)?(?(1)b|c)$/", "b", False),
        (r"/(?n)(a)(?-n)(b)\1/", "abb", True),
        (r"/^(?>a+)b/", "aab", True),
        (r"/^a++b/", "aab", True),
        (r"/^[\d-]+$/", "1-2", True),
        (r"/^[\b]$/", "\b", True),
        (r"/(a)\g{-2}/", "ag{-2}", True),  # no such group
        (r"/^\C$/", "a", True),
    ],
)
def test_matching(pattern: str, subject: str, found: bool) -> None:
    assert pcre.matcher(pattern)(subject) is found


@pytest.mark.parametrize(
    "pattern",
    ["", "abc", "/abc", "/a/b/", "/a/é", "/a/e", "\\a\\", "/(/", "/)/", "/[/", "/*/", "/a**/", "/^*/", "/[b-a]/", "/\\1/",
     "/(?<n>/", "/a{2}{3}/", "/a{70000}/", "/[[:nope:]]/", "{a", "/(?<n/", r"/\2(a)/", r"/\x{zz}/", r"/\x{110000}/u",
     r"/[\d-z]/", r"/[a-\d]/", r"/[\R]/"],
)  # fmt: skip
def test_what_php_refuses_matches_nothing(pattern: str) -> None:
    assert pcre.matcher(pattern)("abc a(") is False


@pytest.mark.parametrize(
    "pattern",
    ["/(?R)?/", "/(?|a|b)/", "/(*ANY)a/", r"/\p{L}/", r"/\X/", r"/(?&n)(?<n>a)/", r"/[\pL]/", r"/[\N]/", "/(?(R)a)/",
     r"/\g<n>(?<n>a)/", r"/\2(a)(b)/", "/(?P>n)(?<n>a)/"],
)  # fmt: skip
def test_what_python_cannot_follow_is_said_and_not_guessed(pattern: str) -> None:
    with pytest.raises(RunnerError, match="this engine cannot"):
        pcre.matcher(pattern)("abc")


# ── beside the real one ──────────────────────────────────────────────────────────────────────────────────────────────

_OPTIONS = {
    "i": 0x8,
    "m": 0x400,
    "s": 0x20,
    "x": 0x80,
    "U": 0x40000,
    "A": 0x80000000,
    "D": 0x10,
    "n": 0x2000,
    "u": 0xA0000,
}
_BAD_ESCAPE_IS_LITERAL = 0x2  # PHP sets it
_PIECES = [
    *"abcAB1_ -é.^$|()[]{}*+?,:=!<>#\n",
    r"\d", r"\w", r"\s", r"\S", r"\b", r"\B", r"\h", r"\v", r"\R", r"\x41", r"\x{e9}", r"\0", r"\1", r"\2", r"\A", r"\z",
    r"\Z", r"\y", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i)", "(?-i)", "(?s:", "(?x)", "(?m)", "(?#c)", "[^",
    "[a-c]", "[[:alpha:]]", "[]a]", "{2}", "{1,}", "{,3}", "*?", "(?<n>", r"\k<n>", r"\g1",
]  # fmt: skip


@pytest.fixture(scope="module")
def real() -> Callable[[str, str, str], bool]:
    """Match with the machine's PCRE2, with the options that PHP gives it."""
    name = ctypes.util.find_library("pcre2-8")
    if name is None:
        pytest.skip("no libpcre2-8 on this machine to compare with")
    library = ctypes.CDLL(name)
    for function in ("pcre2_compile_8", "pcre2_compile_context_create_8", "pcre2_match_data_create_from_pattern_8"):
        getattr(library, function).restype = ctypes.c_void_p
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    context = pointer(library.pcre2_compile_context_create_8(None))
    library.pcre2_set_compile_extra_options_8(context, ctypes.c_uint32(_BAD_ESCAPE_IS_LITERAL))

    def match(body: str, modifiers: str, subject: str) -> bool:
        pattern, text = body.encode(), subject.encode()
        options = sum(_OPTIONS[modifier] for modifier in modifiers)
        where = (ctypes.byref(ctypes.c_int()), ctypes.byref(size()))
        compiled = library.pcre2_compile_8(pattern, size(len(pattern)), ctypes.c_uint32(options), *where, context)
        if not compiled:
            return False
        data = pointer(library.pcre2_match_data_create_from_pattern_8(pointer(compiled), None))
        found = library.pcre2_match_8(pointer(compiled), text, size(len(text)), size(0), ctypes.c_uint32(0), data, None)
        library.pcre2_match_data_free_8(data)
        library.pcre2_code_free_8(pointer(compiled))
        return found >= 0

    return match


@pytest.mark.parametrize(
    ("body", "subject"),
    [(r"[\d-z]", "1"), (r"[a-\d]", "a"), (r"[\R]", "R"), (r"(a)\g{-2}", "ag{-2}"), (r"\2(a)", "a"), ("(?<n", "a"),
     (r"\x{zz}", "a"), (r"^\o{101}\cA\xA$", "A\x01\n"), (r"^(a)?(?(1)b|c)$", "ab"), (r"^(a)?(?(1)b|c)$", "b"),
     (r"(?n)(a)(?-n)(b)\1", "abb"), (r"(?'n'a)(?P=n)", "aa"), (r"^[\d-]+$", "1-2"), (r"^[\b]$", "\b"), (r"^\C$", "a")],
)  # fmt: skip
def test_rare_constructs_beside_the_real_pcre(real: Callable[[str, str, str], bool], body: str, subject: str) -> None:
    assert pcre.matcher(f"/{body}/")(subject) is real(body, "", subject)


@settings(derandomize=True, max_examples=500)
@given(
    body=st.lists(st.sampled_from(_PIECES), min_size=1, max_size=6).map("".join),
    modifiers=st.sets(st.sampled_from("imsxUADnu"), max_size=2).map("".join),
    subject=st.text(alphabet="abAB1_ -é\n]x{2}", max_size=5),
)
def test_beside_the_real_pcre(real: Callable[[str, str, str], bool], body: str, modifiers: str, subject: str) -> None:
    try:
        found = pcre.matcher(f"/{body}/{modifiers}")(subject)
    except RunnerError:
        assume(False)
    assert found is real(body, modifiers, subject)


def test_a_pattern_that_takes_too_long_finds_nothing_and_ends() -> None:
    endless = pcre.matcher("/^(a+)+$/")
    assert not endless("a" * 40 + "!")
    assert not any(endless("a" * 40 + str(number) + "!") for number in range(50))  # impatient by now
    assert endless("aaa")


@given(
    pattern=st.sampled_from(["/^a/", "/a$/", "/É/i", "/É/iu", "/./u", "/(a+)+b/", "/b/A", "/x/"]),
    texts=st.sets(st.text("abéÉ\n\ud800", max_size=4) | st.sampled_from(["a" * (pcre.SHORT + 1), "é" * pcre.SHORT])),
)
def test_many_texts_are_searched_as_each_by_itself(pattern: str, texts: set[str]) -> None:
    matcher = pcre.matcher(pattern)
    assert matcher.among(texts) == {text for text in texts if matcher(text)}
