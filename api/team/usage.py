"""Route of `/v1/usage`: what users and projects used, by day."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.authorization import PrincipalDep
from api.app_state import AllSessionsDep
from api.http import csv_export
from api.http.content_negotiation import choose_media_type
from api.http.problem_documents import RESPONSES
from service.errors import InvalidInput
from service.team.projects import load_project_names
from service.team.usage.daily_report import Usage, UsageKey, UsagePeriod, load_usage
from service.team.usage.share_report import load_user_shares
from service.team.users import load_user_names
from stackyard.spec import Fault

_JSON = "application/json"
_DEFAULT_DAYS = 30
_MAX_DAYS = 3660
_MAX_GROUPS = 10_000

router = APIRouter(prefix="/v1/usage", tags=["usage"], responses=RESPONSES)


class UsageView(BaseModel):
    """The usage of a group. The fields by which it is not grouped are null.

    `bytes` counts the datasets and artifacts that were stored in the period and are still there.
    """

    user_id: UUID | None
    user: str | None
    project_id: UUID | None
    project: str | None
    day: date | None
    device_seconds: float
    cpu_seconds: float
    gpu_seconds: float
    jobs: int
    epochs: int
    bytes: int


class UserShareView(BaseModel):
    """The standing of a user in the fair share now.

    `decayed_seconds` is their usage in weighed device-seconds, in which past usage fades away. `share_used` is how
    many times their fair share of the usage of all users they have used; null without any usage.
    """

    model_config = ConfigDict(from_attributes=True)

    user_id: UUID
    user: str = Field(validation_alias="user_name")
    shares: float
    decayed_seconds: float
    share_used: float | None


class UsageList(BaseModel):
    """The usage from the day `from` to the day `to`, in UTC, grouped by `group_by`.

    `shares` has the standing of each user in the fair share for an admin, and else that of the user of the request.
    """

    model_config = ConfigDict(populate_by_name=True)

    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    group_by: list[UsageKey]
    items: list[UsageView]
    shares: list[UserShareView]


@router.get(
    "",
    response_model=UsageList,
    responses={200: {"content": {csv_export.MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
def get_usage(
    sessions: AllSessionsDep,
    principal: PrincipalDep,
    first: Annotated[date | None, Query(alias="from", description="The first day in UTC; by default 30 days.")] = None,
    last: Annotated[date | None, Query(alias="to", description="The last day in UTC; by default today.")] = None,
    group_by: Annotated[
        list[UsageKey] | None, Query(max_length=3, description="Repeatable; by default `user` and `project`.")
    ] = None,
    form: Annotated[
        Literal["json", "csv"] | None, Query(alias="format", description="Instead of the header `Accept`.")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Get device-seconds, jobs, epochs and bytes by user, project and day.

    Users see their own usage, and that of their projects. Admins see all. `Accept: text/csv` or `format=csv` returns
    CSV.
    """
    period = _build_period(first, last)
    keys = list(dict.fromkeys(group_by or (UsageKey.USER, UsageKey.PROJECT)))
    with sessions.read() as session:
        usages = load_usage(session, principal, period, keys, limit=_MAX_GROUPS)
        shares = [UserShareView.model_validate(share) for share in load_user_shares(session, principal)]
        user_names, project_names = load_user_names(session), load_project_names(session)
    if usages is None:
        message = f"Expected at most {_MAX_GROUPS} groups; choose a shorter period, or group by less."
        raise InvalidInput((Fault(pointer="/group_by", message=message),))
    views = _build_views(usages, user_names, project_names)
    if (form or choose_media_type(accept, (_JSON, csv_export.MEDIA_TYPE))).endswith("csv"):
        return _respond_csv(views)
    content = UsageList(first=period.first, last=period.last, group_by=keys, items=views, shares=shares)
    return Response(content.model_dump_json(by_alias=True), media_type=_JSON, headers={"Vary": "Accept"})


def _build_period(first: date | None, last: date | None) -> UsagePeriod:
    last = last or datetime.now(UTC).date()
    try:
        first = first or last - timedelta(days=_DEFAULT_DAYS - 1)
    except OverflowError:
        first = last
    if not timedelta() <= last - first < timedelta(days=_MAX_DAYS) or last == date.max:
        message = f"Expected a day up to {last}, at most {_MAX_DAYS} days before it; received {first}."
        raise InvalidInput((Fault(pointer="/from", message=message),))
    return UsagePeriod(first, last)


def _build_views(
    usages: Sequence[Usage], user_names: Mapping[UUID, str], project_names: Mapping[UUID, str]
) -> list[UsageView]:
    return [
        UsageView(
            user_id=usage.user_id,
            user=None if usage.user_id is None else user_names.get(usage.user_id),
            project_id=usage.project_id,
            project=None if usage.project_id is None else project_names.get(usage.project_id),
            day=usage.day,
            device_seconds=sum(usage.device_seconds.values()),
            cpu_seconds=usage.device_seconds.get("cpu", 0.0),
            gpu_seconds=usage.device_seconds.get("gpu", 0.0),
            jobs=usage.jobs,
            epochs=usage.epochs,
            bytes=usage.bytes,
        )
        for usage in usages
    ]


def _respond_csv(views: Sequence[UsageView]) -> Response:
    columns = tuple(UsageView.model_fields)
    rows = [[getattr(view, column) for column in columns] for view in views]
    headers = {"Vary": "Accept", "Content-Disposition": 'attachment; filename="usage.csv"'}
    content = "".join(csv_export.stream_csv(columns, [rows]))
    return Response(content, media_type=csv_export.MEDIA_TYPE, headers=headers)
