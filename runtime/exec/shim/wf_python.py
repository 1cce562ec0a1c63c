

# ---- Python for images without it ----

# Parts of the library that the shim uses and those hang on more than their own source: libraries, or code to be compiled.
CARRIED = ("base64", "csv", "datetime", "fcntl", "glob", "hashlib", "json", "math", "pathlib", "re", "shutil", "signal", "stat",
           "subprocess", "tempfile", "threading", "traceback", "unicodedata")
LEFT_OUT = {"__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip",
            "pydoc_data"}


def running_files():
    """The loader of this process, and all files that it executes code of: the program, libraries, modules."""
    import struct
    with open("/proc/self/auxv", "rb") as f:
        base = dict(struct.iter_unpack("LL", f.read())).get(7, 0)
    loader, files = None, set()
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            place, mode, _, _, _, path = (line.rstrip("\n") + " ").split(" ", 5)
            path = path.strip()
            if path.startswith("/") and int(place.partition("-")[0], 16) == base:
                loader = path
            if path.startswith("/") and "x" in mode:
                files.add(path)
    if loader is None:
        sys.exit("%s has no dynamic loader, so it cannot be taken along" % sys.executable)
    return loader, files


def carry_library(path, target):
    """A library, and its other names in its folder: programs ask for one of them."""
    import shutil
    shutil.copy(path, target)
    for entry in os.scandir(os.path.dirname(path)):
        if entry.is_symlink() and os.path.realpath(entry.path) == path:
            os.symlink(os.path.basename(path), os.path.join(target, entry.name))


def carry_code(module, source, library):
    """The compiled form of a loaded module of the library."""
    import importlib.util
    import py_compile
    import shutil
    path, cached = getattr(module, "__file__", None) or "", getattr(module, "__cached__", None) or ""
    if not path.startswith(source + "/") or not path.endswith(".py"):
        return
    copied = library + path[len(source):]
    if os.path.exists(cached):
        compiled = importlib.util.cache_from_source(copied)
        os.makedirs(os.path.dirname(compiled), exist_ok=True)
        shutil.copy(cached, compiled)
    else:
        py_compile.compile(copied)


def carry_python(target):
    """Copies the Python that runs this into a folder, from where it runs on any system of the machine's kind, with or without libraries:
    `TARGET/ld.so --library-path TARGET/lib TARGET/bin/python3`. It finds its modules by its own place."""
    import shutil
    for name in CARRIED:
        __import__(name)
    try:
        import ctypes
        ctypes.CDLL("libgcc_s.so.1")  # glibc asks for it when a thread ends
    except (ImportError, OSError):
        pass
    program, source = os.path.realpath("/proc/self/exe"), os.path.dirname(os.path.realpath(os.__file__))
    library = os.path.join(target, sys.platlibdir, os.path.basename(source))
    (loader, files), libraries = running_files(), os.path.join(target, "lib")
    for name in {"bin", "lib", sys.platlibdir}:  # a pod may start its containers again
        shutil.rmtree(os.path.join(target, name), ignore_errors=True)
    shutil.copytree(source, library, ignore_dangling_symlinks=True,
                    ignore=lambda _, names: [n for n in names if n in LEFT_OUT or n.startswith("config-") or n.endswith((".so", ".a"))])
    os.makedirs(os.path.join(target, "bin"))
    os.makedirs(libraries, exist_ok=True)
    shutil.copy(program, os.path.join(target, "bin", "python3"))
    shutil.copy(loader, os.path.join(target, "ld.so"))
    for path in files - {program, loader}:
        if path.startswith(source + "/"):
            shutil.copy(path, library + path[len(source):])
        else:
            carry_library(path, libraries)
    for module in list(sys.modules.values()):
        carry_code(module, source, library)


if __name__ == "__main__" and sys.argv[1:3] == ["argo", "python"]:
    carry_python(sys.argv[3])
    sys.exit(0)
