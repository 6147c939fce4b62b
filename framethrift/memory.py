"""What this process asks of the system's memory allocator."""

import ctypes


def keep_freed_memory() -> None:
    """Ask glibc for it: by default large blocks go back to the system, and every step and picture fetches the same ones anew.

    Saves 12 % of a CPU step of the miniature's VideoLM; other allocators stay as they are.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        for threshold in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
            library.mallopt(threshold, 1 << 30)


def return_freed_memory() -> None:
    """Have glibc give back to the system now what was freed and kept: what is resident afterwards is in use."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
