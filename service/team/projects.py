"""Projects and their members: add, list, change and delete them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import DEFAULT_PROJECT_ID, Dataset, Job, Membership, Project, ProjectRole, Sweep, User
from service.db.database import get_current_time, insert_if_absent
from service.db.ids import new_id
from service.errors import Conflict, NotFound
from service.team.principal import Principal
from service.team.row_locks import keep_project, keep_user


@dataclass(frozen=True)
class Member:
    """A user of a project, and their role in it."""

    user: User
    role: ProjectRole


def add_project(session: Session, name: str, owner_id: UUID | None) -> Project:
    """Add a project; the user who adds it becomes its owner.

    Raises:
        Conflict: another project has the name.

    """
    project = Project(id=new_id(), name=name, created_at=get_current_time(session))
    session.add(project)
    _flush_unique_name(session, name)
    if owner_id is not None:
        set_member(session, project.id, owner_id, ProjectRole.OWNER)
    return project


def get_project(session: Session, project_id: UUID, principal: Principal) -> Project:
    """Return a project that the principal sees.

    Raises:
        NotFound: there is no such project, or the principal does not see it.

    """
    project = session.get(Project, project_id) if principal.can_see(project_id) else None
    if project is None:
        raise NotFound("project", project_id)
    return project


def list_projects(session: Session, principal: Principal) -> Sequence[Project]:
    """Return the projects that the principal sees, by name."""
    query = select(Project).order_by(Project.name)
    if principal.visible_projects is not None:
        query = query.where(Project.id.in_(principal.visible_projects))
    return session.scalars(query).all()


def rename_project(session: Session, project: Project, name: str) -> None:
    """Change the name of a project.

    Raises:
        Conflict: another project has the name, or it is the default project, whose name is known without a query.

    """
    if project.id == DEFAULT_PROJECT_ID:
        raise Conflict("default_project", "The default project cannot be renamed.")
    project.name = name
    _flush_unique_name(session, name)


def delete_project(session: Session, project: Project) -> None:
    """Delete an empty project, with its memberships and the tokens that give access to it alone.

    Raises:
        NotFound: it was deleted meanwhile.
        Conflict: it is the default project, or it has jobs, datasets or sweeps.

    """
    if project.id == DEFAULT_PROJECT_ID:
        raise Conflict("default_project", "The default project cannot be deleted.")
    # The lock waits for transactions that create something in the project.
    if session.scalar(select(Project.id).where(Project.id == project.id).with_for_update()) is None:
        raise NotFound("project", project.id)
    for table, noun in ((Job, "jobs"), (Dataset, "datasets"), (Sweep, "sweeps")):
        if session.scalar(select(table.id).where(table.project_id == project.id).limit(1)) is not None:
            raise Conflict("project_not_empty", f"The project {project.name} has {noun}; delete them first.")
    session.delete(project)


def list_members(session: Session, project_id: UUID) -> list[Member]:
    """Return the members of a project, by name."""
    query = select(User, Membership.role).join(Membership, Membership.user_id == User.id)
    rows = session.execute(query.where(Membership.project_id == project_id).order_by(User.name))
    return [Member(user, role) for user, role in rows]


def set_member(session: Session, project_id: UUID, user_id: UUID, role: ProjectRole) -> None:
    """Add a user to a project, or change their role.

    Raises:
        NotFound: there is no such user or project.

    """
    keep_project(session, project_id)
    keep_user(session, user_id)
    key = {"user_id": user_id, "project_id": project_id}
    if not insert_if_absent(session, Membership, {**key, "role": role, "created_at": get_current_time(session)}):
        session.execute(update(Membership).filter_by(**key).values(role=role))


def remove_member(session: Session, project_id: UUID, user_id: UUID) -> None:
    """Remove a user from a project. Their jobs stay in it.

    Raises:
        NotFound: the user is no member.

    """
    membership = session.get(Membership, (user_id, project_id))
    if membership is None:
        raise NotFound("member", user_id)
    session.delete(membership)


def load_project_names(session: Session) -> dict[UUID, str]:
    """Load the name of every project, by id."""
    return {row.id: row.name for row in session.execute(select(Project.id, Project.name))}


def _flush_unique_name(session: Session, name: str) -> None:
    try:
        session.flush()
    except IntegrityError:
        raise Conflict("name_taken", f"There is a project {name!a} already.") from None
