"""The CSV file of a board holds records to the bit, one line each, and complains about anything else."""

import struct
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.boards.rows import COLUMNS, Conflict, decode, encode, tidy
from bench.errors import BenchError
from bench.results.record import Record, Status

Make = Callable[..., Record]
PATH = Path("sprites.csv")
text = st.text(max_size=30)
numbers = {
    "seed": st.integers(-(2**70), 2**70),
    "n": st.none() | st.integers(0, 2**70),
    "value": st.none() | st.floats(),
    "status": st.sampled_from(get_args(Status)),
}
records = st.builds(Record, **(dict.fromkeys(COLUMNS, text) | numbers))


def bits(value: float | None) -> bytes | None:
    return None if value is None else b"nan" if value != value else struct.pack("<d", value)


def same(left: Record, right: Record) -> bool:
    rows = [{**record.to_dict(), "value": bits(record.value)} for record in (left, right)]
    return rows[0] == rows[1]


def test_the_columns_are_the_fields_of_a_record() -> None:
    assert sorted(COLUMNS) == sorted(field.name for field in fields(Record))
    first = "dataset, entry, plugin, version, seed, budget, metric, value, n, status, reason, judge, device, key"
    assert COLUMNS[:14] == tuple(first.split(", "))


@settings(deadline=None, max_examples=50)
@given(st.lists(records, max_size=4, unique_by=lambda row: tidy(row).place))
def test_records_come_back_to_the_bit(rows: list[Record]) -> None:
    back = decode(encode(rows), PATH)
    wanted = [tidy(row) for row in rows]
    assert len(back) == len(wanted)
    assert all(any(same(got, want) for want in wanted) for got in back)
    assert encode(back) == encode(rows)


@settings(deadline=None, max_examples=50)
@given(st.lists(records, min_size=1, max_size=4))
def test_every_record_is_one_line(rows: list[Record]) -> None:
    assert len(encode(rows).decode().splitlines()) == 1 + len(rows)


def test_rows_are_sorted_with_seeds_as_numbers(make: Make) -> None:
    rows = [make(seed=10), make(seed=9), make(entry="dr-vae"), make(metric="a", seed=9)]
    got = [(row.entry, row.seed, row.metric) for row in decode(encode(rows), PATH)]
    assert got == [("dr-vae", 0, "fd-lite0"), ("regene", 9, "a"), ("regene", 9, "fd-lite0"), ("regene", 10, "fd-lite0")]


def test_a_reason_is_one_line_and_not_endless(make: Make) -> None:
    reason = tidy(make(status="failed", reason="first\r\n\tsecond \x1b[31m" + "x" * 200_000)).reason
    assert reason.startswith("first second \\x1b[31mxxx")
    assert len(reason) == 1000


def test_a_text_that_could_not_be_read_again_is_refused(make: Make) -> None:
    with pytest.raises(BenchError, match=r"settings of a record has 200000 characters"):
        tidy(make(settings="x" * 200_000))


def test_a_status_that_there_is_not_is_a_bug(make: Make) -> None:
    with pytest.raises(ValueError, match="unknown status"):
        tidy(make(status="fine"))


def test_numbers_of_other_libraries_become_plain(make: Make) -> None:
    import numpy as np

    row = tidy(make(value=np.float64(0.1), n=np.int64(7), seed=np.int32(3)))
    assert [type(row.value), type(row.n), type(row.seed)] == [float, int, int]


def broken(make: Make, old: str, new: str) -> bytes:
    return encode([make()]).replace(old.encode(), new.encode(), 1)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("entry,plugin", "entri,plugin", r"sprites.csv: expected column 'entry', got 'entri'"),
        (",guide,data,tuning\n", "\n", r"sprites.csv: the header lacks column 'guide'"),
        (",tuning\n", ",tuning,colour\n", r"sprites.csv: the header has unknown column 'colour'"),
        (",1.5,", ",one,", r"sprites.csv, line 2: value: expected a number, got 'one'"),
        (",2000,ok", ",2e3,ok", r"sprites.csv, line 2: n: expected a number, got '2e3'"),
        (",ok,", ",okay,", r"sprites.csv, line 2: unknown status 'okay': did you mean 'ok'\?"),
        (",abc,", ",", r"sprites.csv, line 2: expected 20 fields"),
        ("dataset", '"dataset', r"sprites.csv, line 2: not the CSV file of a board"),
    ],
)
def test_a_broken_file_is_named_with_the_column(make: Make, old: str, new: str, sentence: str) -> None:
    with pytest.raises(BenchError, match=sentence):
        decode(broken(make, old, new), PATH)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\xff\xfe")
@example(b"dataset\n" + b"x" * 200_000)
def test_any_other_bytes_are_refused_in_a_sentence(payload: bytes) -> None:
    with pytest.raises(BenchError, match=r"sprites\.csv"):
        decode(payload, PATH)


# What spreadsheets and version control leave behind


def lines_of(*rows: Record) -> list[bytes]:
    return encode(rows).splitlines(keepends=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"dataset,", b"\xef\xbb\xbfdataset,"),
        (b"\n", b"\r\n"),
        (b"\n", b"\r"),
        (b"\n", b"\n\n"),
        (b"\n", b"\n   \n"),
        (b"\n", b"\r\n,,,,,,,,,,,,,,,,,,\r\n"),
        (b"regene", b'"regene"'),
    ],
)
def test_what_a_spreadsheet_leaves_in_a_file_changes_no_record(make: Make, old: bytes, new: bytes) -> None:
    payload = encode([make(), make(seed=1, value=None, status="failed", reason="a, b"), make(entry="café")])
    assert decode(payload.replace(old, new), PATH) == decode(payload, PATH)


def test_a_mark_with_windows_lines_and_a_blank_last_line_changes_no_record(make: Make) -> None:
    payload = encode([make(), make(seed=1)])
    saved = b"\xef\xbb\xbf" + payload.replace(b"\n", b"\r\n") + b"\r\n"
    assert decode(saved, PATH) == decode(payload, PATH)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda payload: payload.replace(b",", b";"), "expected commas between the columns, got semicolons"),
        (lambda payload: payload.replace(b",", b"\t"), "expected commas between the columns, got tabs"),
        (lambda payload: payload.decode().encode("utf-16"), "is UTF-16 text: save it as UTF-8"),
        (lambda payload: payload.decode().encode("utf-16-be"), "is UTF-16 text: save it as UTF-8"),
        (lambda payload: payload.replace(b"abc", b"\xe9t\xe9"), "is not UTF-8 text"),
    ],
)
def test_a_file_in_another_form_is_named_as_what_it_is(
    make: Make, change: Callable[[bytes], bytes], sentence: str
) -> None:
    with pytest.raises(BenchError, match=rf"^sprites\.csv.*{sentence}"):
        decode(change(encode([make()])), PATH)


def test_a_fault_is_at_its_line_of_the_file_blank_lines_counted(make: Make) -> None:
    header, row = lines_of(make())
    with pytest.raises(BenchError, match=r"sprites\.csv, line 4: n: expected a number, got 'x'"):
        decode(header + b"\n\n" + row.replace(b",2000,", b",x,"), PATH)


def test_equal_rows_count_once(make: Make) -> None:
    header, first, second = lines_of(make(), make(seed=1, value=float("nan")))
    assert decode(header + first + second + second + first, PATH)[0] == make()
    assert len(decode(header + first + second + second + first, PATH)) == 2


def test_different_rows_of_one_place_are_named_with_both_lines_and_values(make: Make) -> None:
    header, first, other = lines_of(make(value=3837.0), make(seed=7))
    [_, second] = lines_of(make(value=4220.5))
    sentence = (
        r"sprites\.csv: lines 2 and 5 disagree on fd-lite0 of regene, seed 0: value '3837\.0' and '4220\.5'; "
        "remove one of them"
    )
    with pytest.raises(Conflict, match=sentence):
        decode(header + first + other + b"\n" + second, PATH)


@pytest.mark.parametrize("change", [{"key": "new"}, {"version": "0.2.0"}, {"status": "failed"}, {"protocol": "other"}])
def test_rows_of_one_place_may_not_differ_in_anything(make: Make, change: dict[str, str]) -> None:
    header, first = lines_of(make())
    [_, second] = lines_of(make(**change))
    with pytest.raises(Conflict, match=f"lines 2 and 3 disagree .*{next(iter(change))}"):
        decode(header + first + second, PATH)


@pytest.mark.parametrize(("columns", "ending"), [(b",guide\n", b",small@11\n"), (b",guide,data\n", b",small@11,\n")])
def test_a_file_of_an_earlier_version_lacks_the_digest_of_the_data_or_how_settings_were_chosen(
    make: Make, columns: bytes, ending: bytes
) -> None:
    payload = encode([make()]).replace(b",guide,data,tuning\n", columns).replace(b",small@11,,\n", ending)
    assert decode(payload, PATH) == [make()]
