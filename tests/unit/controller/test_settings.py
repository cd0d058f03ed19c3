"""The operator's settings: what stops the start, by name, and what follows from what."""

from datetime import timedelta

import pytest

from controller.audit.limits import AuditRules
from controller.leader.election import LeaseTiming
from controller.settings import OperatorSettings
from domain.regions import RegionScope
from runtime.settings import read_settings

GOOD = {
    "DATABASE_URL": "postgresql://localhost/videos",
    "COCONUT_URL": "https://api.coconut.co/v2",
    "COCONUT_API_KEY": "k",
    "WEBHOOK_BASE_URL": "https://videos.example.com",
    "WEBHOOK_SIGNING_KEYS": "n, o",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OperatorSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def read() -> OperatorSettings:
    return read_settings(OperatorSettings, process="the operator")


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_stops_the_start_with_its_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SystemExit) as stopped:
        read()
    assert stopped.value.code == f"the operator cannot start: {name}: Field required"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("COCONUT_URL", "https://5ec1e7@api.coconut.co/v1", id="another-version-of-coconut"),
        pytest.param("COCONUT_API_KEY", "", id="no-key"),
        pytest.param("WEBHOOK_BASE_URL", "5ec1e7.example.com", id="no-scheme"),
        pytest.param("WEBHOOK_SIGNING_KEYS", "5ec1e7,5ec1e7,5ec1e7", id="three-callback-keys"),
        pytest.param("MAX_SUBMISSIONS", "0", id="no-submission-at-all"),
        pytest.param("LEASE_DURATION_SECONDS", "inf", id="a-lease-for-ever"),
        pytest.param("LEASE_RENEW_DEADLINE_SECONDS", "nan", id="no-number"),
        pytest.param("LEASE_NAME", "", id="no-lease"),
        pytest.param("LEASE_NAME", "Films_operator", id="no-name-of-kubernetes"),
        pytest.param("LEASE_NAME", "films.-operator", id="no-domain"),
        pytest.param("LEASE_NAME", "f" * 254, id="long-name"),
    ],
)
def test_a_malformed_setting_stops_the_start_without_showing_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        read()
    message = str(stopped.value)
    assert message.startswith(f"the operator cannot start: {name}: ")
    assert "5ec1e7" not in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["films-operator", "films.example-operator", "f" * 253])
def test_the_lease_may_have_any_name_of_kubernetes(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("LEASE_NAME", name)
    assert read().lease_name == name


def test_the_durations_of_the_lease_go_together() -> None:
    assert read().lease_timing == LeaseTiming(15, 10, 2)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"LEASE_RETRY_SECONDS": "10"}, id="no-second-try-before-the-deadline"),
        pytest.param({"LEASE_RENEW_DEADLINE_SECONDS": "15"}, id="two-could-lead"),
        pytest.param({"LEASE_DURATION_SECONDS": "5"}, id="others-take-over-early"),
    ],
)
def test_a_wrong_order_of_the_leases_durations_stops_the_start_with_their_names(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        read()
    assert stopped.value.code == (
        "the operator cannot start: LEASE_RETRY_SECONDS must be below LEASE_RENEW_DEADLINE_SECONDS, "
        "and that below LEASE_DURATION_SECONDS"
    )


def test_the_durations_of_the_audit_run_with_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read().audit_rules == AuditRules()
    monkeypatch.setenv("TIME_SCALE", "0.01")
    rules, schedule = read().audit_rules, read().audit_schedule
    minutes = [rules.superseded_after, rules.quarantined_for, rules.overdue_after]
    assert minutes == [timedelta(minutes=14.4), timedelta(minutes=100.8), timedelta(seconds=6)]
    assert (schedule.light_seconds, schedule.full_seconds, schedule.videos_per_second) == (3, 216, 5)


def test_an_operator_of_a_region_says_which_region_is_the_home_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGION", "fra1")
    with pytest.raises(SystemExit) as stopped:
        read()
    assert stopped.value.code == "the operator cannot start: REGION_HOME: is missing, and REGION needs it"


def test_operators_of_two_regions_share_nothing_and_hold_a_lease_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (read().scope, read().lease) == (RegionScope(), "video-uploads-operator")

    for name, value in {"REGION": "fra1", "REGION_HOME": "tor1", "REGIONS": "fra1, sfo3"}.items():
        monkeypatch.setenv(name, value)
    assert read().scope == RegionScope("fra1", is_home=False, others=("fra1", "sfo3"))
    assert read().lease == "video-uploads-operator-fra1"

    monkeypatch.setenv("REGION", "tor1")
    monkeypatch.setenv("LEASE_NAME", "films")
    assert read().scope == RegionScope("tor1", is_home=True, others=("fra1", "sfo3"))
    assert read().lease == "films"
