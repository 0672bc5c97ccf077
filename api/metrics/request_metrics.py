"""Numbers and latencies of the requests that this process serves."""

from prometheus_client import CollectorRegistry, Gauge, Histogram

from api.http.access_log import ServedRequest

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_OTHER_METHOD = "other"
_NO_ROUTE = "none"
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class RequestMetrics:
    """Metrics of requests. Clients choose paths and methods, so only templates and known methods become labels."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._in_flight = Gauge(
            "stackyard_http_requests_in_flight",
            "Requests that this process is serving now, with open event streams.",
            registry=registry,
        )
        self._durations = Histogram(
            "stackyard_http_request_duration_seconds",
            "Time from the arrival of a request to the start of its response, by route, method and status.",
            ("route", "method", "status"),
            buckets=_BUCKETS_S,
            registry=registry,
        )

    def record_start(self) -> None:
        """Record that a request has arrived."""
        self._in_flight.inc()

    def record_end(self, request: ServedRequest) -> None:
        """Record that a request has ended. Without a response, it has no latency."""
        self._in_flight.dec()
        if request.status is None or request.response_s is None:
            return
        method = request.method if request.method in _METHODS else _OTHER_METHOD
        self._durations.labels(request.route or _NO_ROUTE, method, str(request.status)).observe(request.response_s)
