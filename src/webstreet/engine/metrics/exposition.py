"""The text that Prometheus reads (https://prometheus.io/docs/instrumenting/exposition_formats/). Imported when it is first asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from webstreet.engine import hooks
from webstreet.engine.metrics import Figure
from webstreet.engine.metrics.figures import PARTS
from webstreet.engine.metrics.traffic import BUCKETS_S, traffic

logger = logging.getLogger(__name__)
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
PREFIX = "webstreet"


class _Traffic(Collector):
    """Requests of this process."""

    def collect(self) -> Iterator[Metric]:
        counted = traffic.counted()
        requests = CounterMetricFamily(
            f"{PREFIX}_http_requests", "Answers, by what the page cache did.", labels=("method", "status", "cache")
        )
        for labels, (buckets, _) in sorted(counted.items()):
            requests.add_metric(labels, sum(buckets))
        yield requests
        durations = HistogramMetricFamily(
            f"{PREFIX}_http_request_duration_seconds",
            "Time until the answer was made, without sending it.",
            labels=("cache",),
        )
        for cache in sorted({labels[2] for labels in counted}):
            same = [found for labels, found in counted.items() if labels[2] == cache]
            durations.add_metric((cache,), _cumulated([b for b, _ in same]), sum(s for _, s in same))
        yield durations


class _Figures(Collector):
    """State of the site. A part that cannot be looked at is left out and named; the others are shown."""

    def collect(self) -> Iterator[Metric]:
        broken = GaugeMetricFamily(
            f"{PREFIX}_metrics_part_broken", "1 when this part could not be looked at.", labels=("part",)
        )
        parts = [*PARTS.items(), *((r.__module__.split(".")[2], r) for r in hooks.receivers("metrics"))]
        for name, look in parts:
            try:
                found = [_gauge(figure) for figure in look()]
            except Exception as error:  # noqa: BLE001 whatever is away, the rest is worth knowing
                logger.warning("metrics.part_broken", extra={"part": name, "error": type(error).__name__})
                broken.add_metric((name,), 1)
            else:
                broken.add_metric((name,), 0)
                yield from found
        yield broken


def text() -> bytes:
    """Everything, now."""
    return generate_latest(_registry)


def _gauge(figure: Figure) -> Metric:
    gauge = GaugeMetricFamily(f"{PREFIX}_{figure.name}", figure.doc, labels=figure.labels)
    for labels, value in sorted(figure.values.items()):
        gauge.add_metric(labels, value)
    return gauge


def _cumulated(rows: Iterable[list[int]]) -> list[tuple[str, float]]:
    bounds = [*map(str, BUCKETS_S), "+Inf"]
    total, found = 0, []
    for bound, counts in zip(bounds, zip(*rows, strict=True), strict=True):
        total += sum(counts)
        found.append((bound, float(total)))
    return found


_registry = CollectorRegistry(auto_describe=False)
_registry.register(_Traffic())
_registry.register(_Figures())
ProcessCollector(registry=_registry)
