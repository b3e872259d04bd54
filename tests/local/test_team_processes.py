"""A hub of several processes, as the command line starts them."""

import signal
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from support.execution_models import endless_model
from support.polling import wait_until
from support.postgresql_server import PostgresqlServer
from support.team_processes import PASSWORD, WEB, Team, TeamProcess
from support.tiny_models import affine

from qai_hub.client import Client, Device, Job, Model
from qai_hub.local.core import kinds as states

DEVICE = Device("Samsung Galaxy S24")


@pytest.fixture(scope="module")
def team(
    postgresql: PostgresqlServer,
    postgresql_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Team]:
    url = postgresql.create_database(postgresql_template)
    made = Team(tmp_path_factory.mktemp("team"), url)
    yield made
    made.stop()
    postgresql.drop_database(url)


@pytest.fixture(scope="module")
def webs(team: Team) -> list[TeamProcess]:
    return team.start(WEB, [*WEB, "--profile", "second"])


@pytest.fixture(scope="module")
def first(team: Team, webs: list[TeamProcess]) -> Client:
    return team.client(webs[0])


@pytest.fixture(scope="module")
def second(team: Team, webs: list[TeamProcess]) -> Client:
    return team.client(webs[1])


@pytest.fixture(scope="module")
def endless(first: Client) -> Model:
    return first.upload_model(endless_model())


@pytest.fixture
def worker(team: Team) -> Iterator[TeamProcess]:
    process = team.start_worker("--drain", "600")
    yield process
    process.kill()


def begin(client: Client, endless: Model) -> Job:
    job = client.submit_inference_job(endless, DEVICE)
    assert isinstance(job, Job)
    return job


def test_processes_say_what_they_are(
    team: Team, webs: list[TeamProcess], worker: TeamProcess
) -> None:
    shown = f"database postgresql://hub@/{team.url.partition('@/')[2]}, files in {team.home}/data"
    for web in webs:
        assert unquote(web.said[0]) == f"Local hub at {web.url}, {shown}"
        assert "It runs no jobs: `qai-hub worker` does." in web.said
    assert worker.said[0].startswith("Worker ")
    assert unquote(worker.said[0]).endswith(f":{worker.pid}, {shown}")
    assert worker.said[1] == "It runs 1 job at a time."
    roles = [(node.role, node.slots) for node in team.nodes().values()]
    assert sorted(roles) == [("web", 0), ("web", 0), ("worker", 1)]


def test_no_log_has_the_password(team: Team) -> None:
    process = team.start_worker("--log-level", "debug")
    process.send(signal.SIGTERM)
    assert process.wait_for_end() == 0
    assert process.said[-1].startswith("Stopped.")
    assert PASSWORD not in "\n".join(process.said)


def test_what_one_takes_another_runs_and_a_third_tells(
    first: Client, second: Client, worker: TeamProcess
) -> None:
    job = first.submit_compile_job(affine(), DEVICE)
    assert second.get_job(job.job_id).wait(60).success


def test_a_second_signal_ends_a_drain_and_others_go_on(
    team: Team, first: Client, second: Client, endless: Model, worker: TeamProcess
) -> None:
    job = begin(first, endless)
    team.wait_for_run(job.job_id, worker.pid)
    # Before the drain, which ends by itself after a time.
    other = team.start_worker()
    worker.send(signal.SIGTERM)
    worker.wait_for_line("Starting no more jobs.")
    wait_until(lambda: team.nodes()[worker.pid].draining)
    assert team.look_at(job.job_id).pid == worker.pid
    worker.send(signal.SIGTERM)
    assert worker.wait_for_end() == 0
    assert worker.said[-1] == "Stopped. Unfinished jobs continue in other processes."
    run = team.wait_for_run(job.job_id, other.pid)
    assert (run.attempt, run.losses) == (2, 0)
    # Cancelled at one, it ends for those who ask another.
    second.get_job(job.job_id).cancel()
    wait_until(lambda: first.get_job(job.job_id).get_status().failure)
    other.send(signal.SIGTERM)
    # Its slot is free again: there is nothing to wait for.
    assert other.wait_for_end() == 0
    assert team.nodes().keys() & {worker.pid, other.pid} == set()


def test_jobs_of_a_process_that_is_killed_run_elsewhere(
    team: Team, first: Client, endless: Model
) -> None:
    job = begin(first, endless)
    killed = team.start_worker("--lease", "4")
    team.wait_for_run(job.job_id, killed.pid)
    other = team.start_worker("--lease", "4")
    assert team.look_at(job.job_id).pid == killed.pid
    killed.kill()
    run = team.wait_for_run(job.job_id, other.pid)
    # On a busy machine, others may have lost it, too.
    assert run.attempt == run.losses + 1 > 1
    job.cancel()
    other.kill()


def test_a_client_goes_on_with_another_process(
    team: Team, webs: list[TeamProcess], first: Client, second: Client, worker: TeamProcess
) -> None:
    job = first.submit_compile_job(affine(), DEVICE, name="before the kill")
    webs[0].kill()
    assert second.get_job(job.job_id).wait(60).success
    assert team.look_at(job.job_id).state == states.DONE
    # A process of the same database gives nobody else's access away.
    (third,) = team.start(["serve", "--port", "0", "--workers", "0", "--profile", "third"])
    assert "Its users are those that the database has: `qai-hub users` lists them." in third.said
    assert team.client(third).get_job(job.job_id).name == "before the kill"
