"""Redaction with detect-secrets and phonenumbers keeps the port's promises."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from memos.errors import BadSetting
from memos.models.redactor_detectors import DetectorRedactor
from memos.testing.redactor import RedactorSuite

if TYPE_CHECKING:
    from memos.ports.redactor import Redactor


@pytest.fixture(scope="module")
def shared() -> Redactor:
    return DetectorRedactor()


class TestDetectorRedactor(RedactorSuite):
    @pytest.fixture
    def redactor(self, shared: Redactor) -> Redactor:
        return shared

    def another(self) -> Redactor:
        return DetectorRedactor()


@pytest.mark.parametrize(
    "number",
    ["(202) 555-0143", "415.555.0132", "020 7946 0018", "030 23125014", "01 99 00 12 34",
     "912 345 678", "612 34 56 78", "0044 20 7946 0321"],
)  # fmt: skip
def test_a_national_number_is_recognised_in_its_region(shared: Redactor, number: str) -> None:
    assert shared.redact([f"Call {number}."])[0].text == "Call [phone]."


def test_without_regions_only_international_numbers_are_recognised() -> None:
    (redacted,) = DetectorRedactor(()).redact(["(202) 555-0143 or +1 202-555-0143"])
    assert redacted.text == "(202) 555-0143 or [phone]"


def test_a_key_that_only_the_library_knows_is_recognised(shared: Redactor) -> None:
    token = "SG." + "ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr"
    assert shared.redact([f"sendgrid {token}!"])[0].text == "sendgrid [key]!"


def test_a_key_where_two_windows_of_a_long_text_meet_goes_whole(shared: Redactor) -> None:
    token = "SG." + "ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr"
    for before in range(2990, 4120, 37):
        filling = "x " * (before // 2)
        (redacted,) = shared.redact([f"{filling}{token} {filling}"])
        assert redacted.text == f"{filling}[key] {filling}"


def test_an_unknown_region_is_named() -> None:
    with pytest.raises(BadSetting, match="'XX'"):
        DetectorRedactor(["US", "XX"]).redact(["hello"])


@pytest.mark.parametrize("missing", ["detect_secrets", "phonenumbers"])
def test_without_its_library_nothing_comes_back(missing: str) -> None:
    script = f"""
import sys
sys.modules[{missing!r}] = None  # how Python itself says that a module is not to be had
from memos.errors import MissingLibrary
from memos.models.redactor_detectors import DetectorRedactor
try:
    print(DetectorRedactor().redact(["ada@example.com"]))
except MissingLibrary as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert "is not installed (pip install 'agent-memos[redaction]')" in done.stdout
    assert "ada" not in done.stdout


def test_making_one_imports_no_library() -> None:
    script = """
import sys
from memos.models.redactor_detectors import DetectorRedactor
DetectorRedactor()
loaded = {"detect_secrets", "phonenumbers", "requests"} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", script], check=True)
