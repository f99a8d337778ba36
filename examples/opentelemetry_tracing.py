"""Spans for every request to Krebit, from OpenTelemetry's own instrumentation of httpx.

    pip install opentelemetry-sdk opentelemetry-instrumentation-httpx
    python examples/opentelemetry_tracing.py

A call that is tried three times has three spans, each with its status; a span of your own around the call holds them
together. No span has a token in it: the instrumentation notes method, address and status, and headers only if you ask
it to (then leave `Authorization` out).
"""

from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor, SpanExporter

from krebit import Krebit


def instrument(exporter: SpanExporter) -> TracerProvider:
    """Trace what httpx sends, from here on, for clients that exist already too."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    return provider


def show_user(api: Krebit, tracer: trace.Tracer) -> str:
    """One span of our own, and the requests' spans within it."""
    with tracer.start_as_current_span("who am I"):
        return str(api.get_current_user().name)


def main() -> None:
    """Trace one call to the console."""
    tracer = instrument(ConsoleSpanExporter()).get_tracer("example")
    with Krebit.from_env() as api:
        print(show_user(api, tracer))


if __name__ == "__main__":
    main()
