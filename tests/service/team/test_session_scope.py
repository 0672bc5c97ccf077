"""Sessions that see the objects of some projects only, whatever the form of a statement, on both databases."""

import json
from itertools import product
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, func, select, union_all, update
from sqlalchemy.orm import aliased

from models import DEFAULT_PROJECT_ID, Dataset, Job, JobMetric, JobTag, Project, ProjectRole, Sweep, Transition
from service.datasets import catalog
from service.jobs import estimates, job_read_model, queries
from service.jobs.lists import job_lists
from service.jobs.lists.job_order import JobOrder
from service.jobs.queries import JobFilter
from service.results import worker_usage
from service.sweeps.life.creation import insert_sweep
from service.team.principal import IMPLICIT_ADMIN, Principal
from service.team.session_scope import ACROSS_PROJECTS, restrict_sessions, scope_key
from stackyard.sweep import parse_sweep_spec
from tests.factories import iris_spec, submit_job

OWN, FOREIGN = UUID(int=1), UUID(int=2)


@pytest.fixture
def projects(either_sessions):
    """Two projects with two jobs each, by project; all four jobs have a tag and a metric."""
    with either_sessions.begin() as session:
        for project_id in (OWN, FOREIGN):
            session.add(Project(id=project_id, name=str(project_id.int), created_at=func.now()))
    jobs = {}
    for _, project_id in product(range(2), (OWN, FOREIGN)):
        sessions = restrict_sessions(either_sessions, build_member(project_id))
        job = submit_job(sessions, tags=["x", "y"], name=f"of {project_id.int}")
        jobs.setdefault(project_id, []).append(job.id)
        with either_sessions.begin() as session:
            value = float(len(jobs[project_id]))
            session.add(JobMetric(job_id=job.id, name="loss", best=value, best_epoch=0, last=value))
    return jobs


@pytest.fixture
def own_sessions(either_sessions, projects):  # noqa: ARG001  # the jobs exist
    return restrict_sessions(either_sessions, build_member(OWN))


def build_member(project_id):
    return Principal(project_id=project_id, roles={project_id: ProjectRole.EDITOR}, user_id=UUID(int=7))


def join_tags():
    other = aliased(JobTag)
    return select(JobTag.job_id).join(other, (other.job_id == JobTag.job_id) & (other.tag == "y"))


STATEMENTS = {
    "a select": lambda: select(Job.id),
    "an alias": lambda: select(aliased(Job).id),
    "an alias of a tag": lambda: select(aliased(JobTag).job_id),
    "a join": lambda: select(Transition.job_id).join(Job, Job.id == Transition.job_id),
    "a join of a table with its alias": join_tags,
    "a join of a tag with its job": lambda: select(JobTag.job_id).join(Job, Job.id == JobTag.job_id),
    "a union": lambda: union_all(select(Job.id), select(JobTag.job_id)),
    "a subquery": lambda: select(select(Job.id).where(Job.epochs > 0).subquery().c.id),
    "a common table expression": lambda: select(select(Job.id).cte("chosen").c.id),
    "a union within a condition": lambda: select(Transition.job_id).where(
        Transition.job_id.in_(union_all(select(Job.id), select(JobTag.job_id)))
    ),
    "a condition that exists": lambda: select(Transition.job_id).where(
        select(Job.id).where(Job.id == Transition.job_id).exists()
    ),
    "a metric": lambda: select(JobMetric.job_id).where(JobMetric.name == "loss"),
    "an update": lambda: update(Job).values(priority=7).returning(Job.id),
    "a delete": lambda: delete(Job).returning(Job.id),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_of_any_form_shows_the_own_project_only(own_sessions, projects, name):
    with own_sessions.begin() as session:
        assert set(session.scalars(STATEMENTS[name]())) == set(projects[OWN])


def test_counts_are_those_of_the_own_project_unless_a_statement_says_otherwise(own_sessions):
    count = select(func.count()).where(Job.epochs > 0)
    with own_sessions.read() as session:
        assert session.scalar(count) == 2
        assert session.scalar(select(func.count()).select_from(Job)) == 2
        assert session.scalar(count.execution_options(**ACROSS_PROJECTS)) == 4


def test_a_foreign_job_is_missing_also_where_a_row_is_locked_or_loaded_anew(own_sessions, projects):
    with own_sessions.begin() as session:
        for job_id, is_own in ((projects[OWN][0], True), (projects[FOREIGN][0], False)):
            assert (session.get(Job, job_id) is not None) is is_own
            assert (session.get(Job, job_id, with_for_update=True, populate_existing=True) is not None) is is_own


def test_one_statement_serves_sessions_of_different_projects(either_sessions, projects):
    """The cache of compiled statements must not keep the projects of the first session."""
    seen = {}
    for visible in ([OWN], [FOREIGN], [OWN, FOREIGN], [], [OWN]):
        roles = dict.fromkeys(visible, ProjectRole.VIEWER)
        with restrict_sessions(either_sessions, Principal(roles=roles)).read() as session:
            seen[tuple(visible)] = set(session.scalars(select(Job.id)))
            assert seen[tuple(visible)] == {job_id for project_id in visible for job_id in projects[project_id]}
    with either_sessions.read() as session:
        assert len(session.scalars(select(Job.id)).all()) == 4


@pytest.mark.parametrize("sort", ["created_at", "metrics.loss.best", "metrics.none.best", "name", "duration"])
@pytest.mark.parametrize(
    "job_filter", [JobFilter(), JobFilter(tags=("x",)), JobFilter(tags=("x", "y")), JobFilter(text="of")]
)
def test_pages_of_a_member_are_full_and_their_cursors_name_own_jobs(own_sessions, projects, sort, job_filter):
    """A page that was filtered afterwards would be short, and its cursor would hold the id of a foreign job."""
    pages, cursor = [], None
    with own_sessions.read() as session:
        while len(pages) < 3:
            page = job_lists.list_jobs(session, job_filter, JobOrder(sort, is_descending=True), limit=1, cursor=cursor)
            pages.append([job.id for job in page.items])
            cursor = page.next
            if cursor is None:
                break
    assert sorted(pages) == [[job_id] for job_id in sorted(projects[OWN])]


def test_a_queue_is_that_of_all_projects_but_names_no_foreign_job(own_sessions, projects):
    last = max(projects[OWN])
    with own_sessions.read() as session:
        [details] = job_read_model.load_job_details(session, [queries.get_job(session, last)])
    assert details.queue_position == 2
    assert details.before is not None
    assert [job.id for job in details.before] == [min(projects[OWN])]


def test_an_estimate_for_a_spec_does_not_reveal_foreign_runs(own_sessions, either_sessions):
    with either_sessions.begin() as session:
        session.execute(
            update(Job)
            .where(Job.project_id == FOREIGN)
            .values(state="succeeded", spent_s=9.0, started_at=func.now(), finished_at=func.now())
        )
        architecture = session.scalars(select(Job.architecture).limit(1)).one()
    with own_sessions.read() as session:
        assert estimates.load_past_runs(session, "cpu", [architecture]) == {architecture: []}
        runs = estimates.load_past_runs(session, "cpu", [architecture], in_all_projects=True)
    assert len(runs[architecture]) == 2


def test_the_usage_of_workers_counts_all_projects(own_sessions, either_sessions):
    with own_sessions.read() as session, either_sessions.read() as all_projects:
        assert worker_usage.load_usage(session, 5).workers == worker_usage.load_usage(all_projects, 5).workers


def test_built_in_datasets_are_visible_in_each_project_and_others_in_their_own(own_sessions):
    with own_sessions.read() as session:
        iris = catalog.find_dataset(session, "builtin:iris")
        assert iris.project_id == DEFAULT_PROJECT_ID
        assert session.scalar(select(func.count()).select_from(Dataset)) > 1
        assert session.get(Dataset, uuid4()) is None


def test_sweeps_are_those_of_the_own_project(either_sessions, own_sessions):
    search = {"base": iris_spec(), "space": {"/training/seed": [1, 2]}, "search": {"method": "grid"}}
    spec = parse_sweep_spec(json.dumps(search).encode())
    for project_id in (OWN, FOREIGN):
        with restrict_sessions(either_sessions, build_member(project_id)).begin() as session:
            insert_sweep(session, spec, key="same key", body_sha256="")
    with own_sessions.read() as session:
        [sweep] = session.scalars(select(Sweep))
    assert (sweep.project_id, sweep.owner_id) == (OWN, UUID(int=7))


def test_idempotency_keys_of_users_and_projects_do_not_collide(either_sessions):
    keys = []
    for principal in (
        IMPLICIT_ADMIN,
        build_member(OWN),
        build_member(FOREIGN),
        Principal(project_id=OWN, user_id=UUID(int=8)),
    ):
        with restrict_sessions(either_sessions, principal).read() as session:
            keys += [scope_key(session, "a"), scope_key(session, f"{UUID(int=7)}:a")]
    assert len(set(keys)) == len(keys)
