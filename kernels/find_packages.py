"""Prints, for CMake, where the packages to build against lie: XLA's headers; oneDNN's headers; its library."""

from importlib.metadata import distribution


def locate(package: str, name: str):
    files = distribution(package).files or ()
    return next(file.locate().resolve() for file in files if str(file).endswith(name))


xla = locate("jaxlib", "xla/ffi/api/ffi.h").parents[3]
headers = locate("onednn-devel-cpu-gomp", "oneapi/dnnl/dnnl.hpp").parents[2]
library = locate("onednn-cpu-gomp", "/libdnnl.so.3")
print(xla, headers, library, sep=";")
