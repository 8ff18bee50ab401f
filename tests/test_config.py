"""Settings come from five places, the nearer ones win, and each value says where it is from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.config import Settings, key_from_environment, llm_key_from_environment, load
from memos.errors import BadSetting
from memos.models.redactor_detectors import REGIONS

if TYPE_CHECKING:
    from pathlib import Path


def test_the_nearer_place_wins_and_is_named(tmp_path: Path) -> None:
    user, project = tmp_path / "user.toml", tmp_path / "project.toml"
    user.write_text('store = "user"\nbatch = 1\n[runtime]\nmodel = "user"\ndevice = "cpu"\n')
    project.write_text('batch = 2\n[runtime]\nmodel = "project"\n')
    environment = {"AGENT_MEMOS_RUNTIME__MODEL": "env", "OTHER": "x"}
    loaded = load({"lock_seconds": 3.0}, environment=environment, project=project, user=user)
    assert loaded.settings.runtime.model == "env"
    assert loaded.origin["runtime.model"] == "env AGENT_MEMOS_RUNTIME__MODEL"
    assert (loaded.values["batch"], loaded.origin["batch"]) == (2, str(project))
    assert (loaded.values["store"], loaded.origin["store"]) == ("user", str(user))
    assert (loaded.settings.lock_seconds, loaded.origin["lock_seconds"]) == (3.0, "flag")
    assert loaded.origin["runtime.device"] == str(user)
    assert loaded.origin["embedder.model"] == "default"


def test_a_list_from_the_environment_is_its_parts_between_commas() -> None:
    environment = {
        "AGENT_MEMOS_REDACTION__LEVELS": "normal, secret",
        "AGENT_MEMOS_REDACTION__REGIONS": "",
    }
    redaction = load(environment=environment).settings.redaction
    assert (redaction.levels, redaction.regions) == (("normal", "secret"), ())


def test_the_regions_by_default_are_those_of_the_redactor() -> None:
    assert load(environment={}).settings.redaction.regions == REGIONS


def test_texts_from_the_environment_become_numbers() -> None:
    assert load(environment={"AGENT_MEMOS_EMBEDDER__BATCH": "8"}).settings.embedder.batch == 8


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"AGENT_MEMOS_STOER": "x"}, "did you mean 'store'"),
        ({"AGENT_MEMOS_BATCH": "many"}, "AGENT_MEMOS_BATCH: batch = 'many'"),
        ({"AGENT_MEMOS_BATCH": "0"}, "batch = '0'"),
        ({"AGENT_MEMOS_RUNTIME__DTYPE": "int3"}, "float32"),
        ({"AGENT_MEMOS_EMBEDDER": "hash"}, "embedder"),
        ({"AGENT_MEMOS_REDACTION__LEVELS": "secret,cosmic"}, "'cosmic'"),
        ({"AGENT_MEMOS_REDACTION__REGIONS": "us"}, "'us'"),
    ],
)
def test_a_wrong_setting_is_named_with_its_place(environment: dict[str, str], named: str) -> None:
    with pytest.raises(BadSetting, match=named):
        load(environment=environment)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("store = ")
    with pytest.raises(BadSetting, match=r"broken\.toml"):
        load(environment={}, project=broken)


KEY = "3q2-7wSecretSecretSecretSecretSecretSecretSe"


def test_the_key_in_the_environment_is_no_setting_and_shown_nowhere() -> None:
    loaded = load(environment={"AGENT_MEMOS_KEY": KEY, "AGENT_MEMOS_ENCRYPTION__KEY_FROM": "env"})
    assert loaded.settings.encryption.key_from == "env"
    assert KEY not in f"{loaded} {loaded.settings!r} {loaded.settings.model_dump_json()}"
    assert key_from_environment({"AGENT_MEMOS_KEY": KEY}) == KEY
    assert key_from_environment({"AGENT_MEMOS_KEY": ""}) is None
    assert key_from_environment({}) is None


@pytest.mark.parametrize(
    "name",
    [
        "encryption",
        "encryption.key_from",
        "encryption.key",
        "key",
        "llm",
        "llm.key_from",
        "llm_key",
    ],
)
def test_a_key_in_the_place_of_a_setting_is_not_repeated(name: str) -> None:
    with pytest.raises(BadSetting, match=name) as caught:
        load({name: KEY}, environment={})
    told: BaseException | None = caught.value
    while told is not None:
        assert KEY not in f"{told} {told!r}"
        told = told.__cause__


def test_the_key_of_an_endpoint_is_no_setting_and_shown_nowhere() -> None:
    loaded = load(environment={"AGENT_MEMOS_LLM_KEY": KEY, "AGENT_MEMOS_LLM__KEY_FROM": "env"})
    assert loaded.settings.llm.key_from == "env"
    assert KEY not in f"{loaded} {loaded.settings!r} {loaded.settings.model_dump_json()}"
    assert llm_key_from_environment({"AGENT_MEMOS_LLM_KEY": KEY}) == KEY
    assert llm_key_from_environment({}) is None


def test_no_model_is_asked_unless_it_was_asked_for() -> None:
    settings = Settings()
    assert settings.llm.backend == "none"
    assert (settings.finding.rewrite, settings.finding.rerank) == ("none", "none")


def test_nothing_is_encrypted_unless_it_was_asked_for() -> None:
    assert Settings().encryption.key_from == "none"
    assert Settings().vectors.backend == "auto"
