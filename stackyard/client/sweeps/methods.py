"""The methods of the client that submit, check and find sweeps. A `Sweep` has those for one sweep."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from stackyard.client.references import MAX_CANDIDATES, is_complete_id, iterate_matches, select_single_match
from stackyard.client.request_encoding import encode_document
from stackyard.client.sweeps.documents import SweepOptions, build_spec_list, build_sweep
from stackyard.client.sweeps.sweep import SWEEPS_ROUTE, Sweep, build_sweep_route
from stackyard.client.transport import Transport, parse_json_object, parse_view
from stackyard.client.views import Json

if TYPE_CHECKING:
    from stackyard.spec import JobSpec  # slow to import, and most programs send plain documents


class SweepMethods:
    """The sweeps of a server. `Client` has these methods."""

    _transport: Transport

    def sweep(
        self,
        base: "Mapping[str, Any] | JobSpec",
        space: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        **options: Unpack[SweepOptions],
    ) -> Sweep:
        """Submit a sweep: trials that are the base with other values at some JSON pointers.

        Args:
            base: the job spec that the trials vary.
            space: for JSON pointers into the base, the values that the trials try, such as
                `{"/training/optimizer/learning_rate": {"log_uniform": [1e-4, 1e-1]}}`.
            idempotency_key: a repeat with the same key returns the same sweep, not a second one.
            options: how to search; by default with `tpe`, which needs a `budget`.

        Raises:
            ProblemError: the sweep is invalid; `problem.errors` has every fault. No job was queued.

        """
        return self.submit_sweep(build_sweep(base, space, **options), idempotency_key)

    def submit_many(
        self,
        specs: "Iterable[Mapping[str, Any] | JobSpec]",
        *,
        idempotency_key: str | None = None,
        **options: Unpack[SweepOptions],
    ) -> Sweep:
        """Submit many job specs in one request, as a sweep whose trials are these specs in their order.

        Args:
            specs: the job specs.
            idempotency_key: a repeat with the same key returns the same sweep, not a second one.
            options: further fields of the sweep, such as its `name`.

        Raises:
            ProblemError: a spec is invalid; no job was queued.

        """
        return self.submit_sweep(build_spec_list(specs, **options), idempotency_key)

    def submit_sweep(self, document: Mapping[str, Any], idempotency_key: str | None = None) -> Sweep:
        """Submit a sweep that is given as one document.

        Raises:
            ProblemError: the sweep is invalid; `problem.errors` has every fault. No job was queued.

        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = self._transport.send_request("POST", SWEEPS_ROUTE, body=encode_document(document), headers=headers)
        return parse_view(Sweep, answer).connect(self._transport)

    def check_sweep(self, document: Mapping[str, Any]) -> Json:
        """Return the report on a sweep, without submitting it: its size, its rungs, its duration, and warnings.

        Args:
            document: the sweep, such as `build_sweep(base, space, budget=100)` returns it.

        Raises:
            ProblemError: the sweep is invalid, or none of its sampled trials is valid.

        """
        return parse_json_object(
            self._transport.send_request("POST", f"{SWEEPS_ROUTE}/check", body=encode_document(document))
        )

    def list_sweeps(
        self, *, state: str | Sequence[str] | None = None, limit: int = 100, **filters: str | None
    ) -> Iterator[Sweep]:
        """Iterate over the sweeps, newest first. They are fetched in pages of `limit`.

        Args:
            state: a state, or several.
            limit: the number of sweeps in a page.
            filters: further parameters of the route: `name`, `id_prefix`, `q`, `project`, and `owner`, which is `me`
                for your own.

        """
        query = {"state": state, **filters, "limit": limit}
        return (sweep.connect(self._transport) for sweep in self._transport.iterate_items(Sweep, SWEEPS_ROUTE, query))

    def get_sweep(self, sweep_id: str) -> Sweep:
        """Return the current state of a sweep."""
        answer = self._transport.send_request("GET", build_sweep_route(sweep_id))
        return parse_view(Sweep, answer).connect(self._transport)

    def find_sweep(self, reference: str) -> Sweep:
        """Return the sweep with this id, with an id that starts so, or with this name.

        Raises:
            NoSingleMatchError: there is no such sweep, or several.

        """
        if is_complete_id(reference):
            return self.get_sweep(reference)
        matches = iterate_matches(
            reference,
            lambda name: self.list_sweeps(name=name, limit=MAX_CANDIDATES),
            lambda prefix: self.list_sweeps(id_prefix=prefix, limit=MAX_CANDIDATES),
        )
        return select_single_match("sweep", reference, matches, _describe_sweep).reload()


def _describe_sweep(sweep: Sweep) -> str:
    return f"{sweep.created_at:%Y-%m-%d %H:%M}  {sweep.state}  {sweep.name or ''}"
