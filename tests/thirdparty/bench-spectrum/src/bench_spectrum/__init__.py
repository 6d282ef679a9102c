"""Distance of power spectra: a metric for bench."""

from bench import hookimpl
from bench_spectrum.spectrum import SpectrumDistance


@hookimpl
def bench_metrics() -> dict[str, type[SpectrumDistance]]:
    return {"spectrum-distance": SpectrumDistance}
