#!/usr/bin/env python3
"""Runs each workflow of cases/ here and on every engine, and compares: the state of the run, the value, the hashes of files, and what
became of each call.

    parity.py --bin BUILD/bin [--random N] [--quick] [--keep DIR] [ENGINE...]     engines: argo airflow3 airflow3.2 airflow3.1 airflow2
                                                                                   stepfunctions

A case is the workflow `w` of NAME.wf, or of NAME/main.wf with the files it imports. Beside it:
    NAME.params.json, NAME.secrets.json   what the run is given
    NAME.argo.yaml                        what else is in the cluster
    NAME.supplied.json                    what people supply: then nothing is run here, and NAME.expected.json tells what must happen
    NAME.again.json                       a second run on Argo: the calls that start in it, while the others are found in the cache
    NAME.refused                          by target, what `wfc compile` says of what it cannot keep
A line `#TARGET TEXT` of a case is TEXT for that target and a comment here: for annotations that only an engine keeps. The image "bare" has
shells and no Python; an event of `#argo @trigger` submits the case in place of a user, with its own values.

--random adds the first N workflows of generate.py, which may be refused; --quick compiles and runs nothing. Older versions of
Airflow get some of the cases, each others, for the file that is written is the same; named, they get all. Every emitted file also
passes the engine's own checks.
Environment: CASE=TEXT only cases whose name holds TEXT; UPDATE=1 writes the refusals. Engines that scripts/deps could not
install are skipped by name; with CI=true they fail.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INSTALLED = ROOT / "build/engines"
CASES = HERE / "cases"
UPDATE, CI = os.environ.get("UPDATE") == "1", os.environ.get("CI") == "true"

# What the engines of the tests need to be told, as a block at the end of each case that has none of its name.
BLOCKS = {
    "argo": 'target parity_argo on argo {\n  image = "python-and-node"\n}\n',
    "airflow": 'target parity_airflow on airflow {\n}\n',
    "stepfunctions": 'target parity_stepfunctions on stepfunctions {\n}\n',
}


class Engine:
    def __init__(self, name, target, run, checks, installed, processes=1, some=None):
        self.name, self.target, self.run, self.checks, self.installed = name, target, run, checks, installed
        self.processes, self.some = processes, some  # (first, step): the cases that it gets unless it is named


def airflow(version, checks=(), some=None):
    place = INSTALLED / f"airflow{version}"
    return Engine(place.name, "airflow", [str(place / "bin/python"), str(HERE / "airflow/run_jobs.py")],
                  [[str(place / "bin" / program), *rest] for program, *rest in checks], place / "bin/airflow", 2, some)


ENGINES = [
    Engine("argo", "argo", [str(INSTALLED / "argo/engine")], [[str(INSTALLED / "argo/lint")]], INSTALLED / "argo/engine"),
    airflow("3", checks=[["ruff", "check", "-q", "--select", "AIR", "--no-cache"]]),
    airflow("3.2", some=(1, 8)),
    airflow("3.1", some=(5, 8)),
    airflow("2", some=(0, 4)),
    Engine("stepfunctions", "stepfunctions", ["node", str(HERE / "stepfunctions/run_jobs.mjs")],
           [["node", str(HERE / "stepfunctions/validate.mjs")]], INSTALLED / "stepfunctions/node_modules", 2),
]


class Case:
    def __init__(self, path):
        self.path = path
        self.name = path.parent.name if path.name == "main.wf" else path.stem
        base = path.parent if path.name == "main.wf" else path.with_suffix("")
        self.params = self.load(pathlib.Path(f"{base}.params.json"))
        self.secrets = self.load(pathlib.Path(f"{base}.secrets.json"))
        self.cluster = pathlib.Path(f"{base}.argo.yaml")
        self.supplied = self.load(pathlib.Path(f"{base}.supplied.json"))
        self.expected = self.load(pathlib.Path(f"{base}.expected.json"))
        self.again = self.load(pathlib.Path(f"{base}.again.json"), None)
        self.refused = pathlib.Path(f"{base}.refused")

    @staticmethod
    def load(path, default={}):
        return json.loads(path.read_text()) if path.exists() else default

    def names_image(self, image):
        files = self.path.parent.glob("*.wf") if self.path.name == "main.wf" else [self.path]
        return any(f'#argo @image("{image}")' in file.read_text() for file in files)

    def event(self):
        found = re.search(r'(?m)^#argo @trigger\("([^"]*)"', self.path.read_text())
        return found.group(1) if found else ""

    def refusals(self):
        parts = self.refused.read_text().split("== ") if self.refused.exists() else []
        return dict(part.split("\n", 1) for part in parts[1:])


def random_cases(n, folder):
    """The first n workflows of generate.py."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(1, n + 1):
        text = subprocess.run([sys.executable, str(HERE / "generate.py"), str(i)], capture_output=True, text=True, check=True).stdout
        (folder / f"random_{i}.wf").write_text(text)
    return [Case(p) for p in sorted(folder.glob("*.wf")) if os.environ.get("CASE", "") in str(p)]


def find_cases():
    paths = [p for p in sorted(CASES.glob("*.wf"))] + sorted(CASES.glob("*/main.wf"))
    return sorted((Case(p) for p in paths if os.environ.get("CASE", "") in str(p)), key=lambda c: c.name)


def plain(value):
    """A value with only what is the same everywhere of its files."""
    if isinstance(value, dict) and "sha256" in value and "file" in value:
        return {k: value[k] for k in ("sha256", "size", "dir", "format") if k in value}
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def run_here(case, wfc, folder):
    env = {**os.environ, **{f"WFC_SECRET_{k.upper()}": v for k, v in case.secrets.items()}, "TZ": "UTC"}
    (folder / "params.json").write_text(json.dumps(case.params))
    command = [wfc, "run", "-q", "--json", "-w", "w", "--store", str(folder / "store"), "--params", str(folder / "params.json"), str(case.path)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, timeout=120)
    if done.returncode not in (0, 1) or not done.stdout:
        raise SystemExit(f"{case.name}: the local run ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    run = json.loads(done.stdout)
    calls = subprocess.run([wfc, "runs", "--store", str(folder / "store"), "last", "--json"], capture_output=True, text=True, cwd=folder)
    outputs = run["outputs"]
    return {"state": run["status"], "result": plain(outputs["out"] if outputs and list(outputs) == ["out"] else outputs),
            "nodes": {c["path"]: c["status"] for c in json.loads(calls.stdout) if c["status"] in ("succeeded", "failed")}}


def compile_case(case, target, wfc, folder):
    """The folder with the files, or what the compiler says."""
    source, out = folder / f"{target}-source", folder / target
    if case.path.name == "main.wf":
        shutil.copytree(case.path.parent, source)
    else:
        source.mkdir(parents=True)
        shutil.copy(case.path, source / "main.wf")
    for file in source.glob("*.wf"):
        file.write_text(re.sub(f"(?m)^#{target} ", "", file.read_text()))
    text = (source / "main.wf").read_text()
    (source / "main.wf").write_text("\n".join([text, *(block for block in BLOCKS.values() if block.split(" {")[0] not in text)]))
    done = subprocess.run([wfc, "compile", "--target", f"parity_{target}", "-w", "w", "-o", str(out), "main.wf"], cwd=source, capture_output=True, text=True)
    if done.returncode == 0:
        if target == "argo" and case.cluster.exists():
            shutil.copy(case.cluster, out / "cluster.yaml")
        return out, None
    if done.returncode != 1:
        raise SystemExit(f"{case.name}: wfc compile --target {target} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return None, done.stderr


def compare(here, there):
    """Lines that tell how two reports differ."""
    if "nodes" not in there:
        return ["no report"]
    lines = []
    if here["state"] != there["state"]:
        lines.append(f"the run has {there['state']}, here {here['state']}")
    if here["state"] == "succeeded" and here["result"] != plain(there["result"]):
        lines.append(f"the value is {json.dumps(plain(there['result']))[:1500]}, here {json.dumps(here['result'])[:1500]}")
    nodes = {k: v for k, v in there["nodes"].items() if v in ("succeeded", "failed")}
    for path in sorted({*here["nodes"], *nodes}):
        if here["nodes"].get(path) != nodes.get(path):
            lines.append(f"{path} has {nodes.get(path, 'not run')}, here {here['nodes'].get(path, 'not run')}")
    return lines


def check_files(engine, folders):
    """Lines of the engine's own checks over all files; equal ones are checked once."""
    suffix = {"argo": ".yaml", "airflow": ".py", "stepfunctions": ".json"}[engine.target]
    files = {f.read_bytes(): str(f) for folder in folders for f in sorted(folder.rglob("*" + suffix))}
    lines = []
    for command in engine.checks:
        done = subprocess.run([*command, *sorted(files.values())], capture_output=True, text=True)
        if done.returncode:
            lines += (done.stdout + done.stderr).splitlines() or [f"{command[0]} ended with {done.returncode}"]
    return lines


def bare_image(folder):
    """A root with nothing but shells and small programs; None when there are none that run without libraries."""
    busybox, bash = shutil.which("busybox"), shutil.which("bash-static")
    if not busybox or not bash:
        return None
    programs = folder / "bin"
    programs.mkdir(parents=True)
    shutil.copy(busybox, programs / "busybox")
    shutil.copy(bash, programs / "bash")
    for name in ("sh", "cat", "cut", "echo", "env", "false", "grep", "rm", "sleep", "tr", "wc"):
        (programs / name).symlink_to("busybox")
    static = [subprocess.run(["chroot", folder, f"/bin/{shell}", "-c", ":"], capture_output=True).returncode == 0 for shell in ("sh", "bash")]
    return str(folder) if all(static) else None


def reports_of(engine, jobs, folder, part):
    """What the engine says of the jobs, by name, and what its driver printed."""
    path, results = folder / f"{engine.name}-{part}.jobs.json", folder / f"{engine.name}-{part}.results.json"
    path.write_text(json.dumps(jobs))
    env = {k: v for k, v in os.environ.items() if not k.startswith("WFC_SECRET_")}
    done = subprocess.run([*engine.run, str(path), str(results)], capture_output=True, text=True, env=env)
    return {r["name"]: r for r in json.loads(results.read_text())} if results.exists() else {}, done.stdout + done.stderr


def run_engine(engine, cases, here, emitted, folder, images):
    """How each case differs on the engine {name: lines}, the faults of its own checks, and the number of cases."""
    jobs = []
    for case in cases:
        out = emitted[case.name].get(engine.target)
        if out is not None:
            work = folder / engine.name / case.name
            work.mkdir(parents=True)
            jobs.append({"name": case.name, "dir": str(out), "workflow": "w", "params": case.params, "secrets": case.secrets, "work": str(work),
                         "images": images, "event": case.event(), "again": case.again is not None,
                         **({"supplied": case.supplied} if case.supplied else {})})
    parts = [jobs[i::engine.processes] for i in range(engine.processes)]
    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        answers = list(pool.map(lambda i: reports_of(engine, parts[i], folder, i), range(len(parts))))
    differences, again = {}, {c.name: c.again for c in cases if c.again is not None and engine.name == "argo"}
    for (reports, printed), part in zip(answers, parts):
        for job in part:
            report = reports.get(job["name"], {})
            lines = compare(here[job["name"]], report)
            if (wanted := again.get(job["name"])) is not None and report.get("again") != wanted:
                lines.append(f"the second run starts {report.get('again')}, and should start {wanted}")
            if lines:
                log = str(report.get("log", "")) if report else printed
                differences[job["name"]] = lines + ["    | " + line[:300] for line in log.splitlines()[-12:]]
    return differences, check_files(engine, [pathlib.Path(j["dir"]) for j in jobs]), len(jobs)


def refusal_lines(case, said):
    """How the refusals differ from the expected ones; UPDATE=1 writes them."""
    expected = case.refusals()
    if UPDATE:
        if said:
            case.refused.write_text("".join(f"== {t}\n{text.strip()}\n\n" for t, text in sorted(said.items())))
        elif case.refused.exists():
            case.refused.unlink()
        return []
    lines = []
    for target in sorted({*expected, *said}):
        if expected.get(target, "").strip() != said.get(target, "").strip():
            lines.append(f"{target} refuses: {said.get(target, 'nothing')}\n  expected: {expected.get(target, 'nothing')}")
    return lines


def select(names):
    chosen, missing = [], []
    for engine in ENGINES:
        if names and engine.name not in names:
            continue
        (chosen if engine.installed.exists() else missing).append(engine)
    return chosen, missing


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default=str(ROOT / "build/debug/bin"))
    parser.add_argument("--keep", help="a folder for what is written, instead of a temporary one")
    parser.add_argument("--random", type=int, default=0, metavar="N")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("engines", nargs="*")
    options = parser.parse_args()
    wfc = str(pathlib.Path(options.bin).resolve() / "wfc")
    engines, missing = select(options.engines)
    if options.keep:
        shutil.rmtree(options.keep, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="wfc-parity-", ignore_cleanup_errors=True) as temporary:
        folder = pathlib.Path(options.keep or temporary).resolve()
        fixed = find_cases()
        cases = fixed + random_cases(options.random, folder / "random")
        failed = 0
        here, emitted = {}, {}

        def prepare(case):
            place = folder / "cases" / case.name
            place.mkdir(parents=True)
            here[case.name] = case.expected or run_here(case, wfc, place)
            emitted[case.name], said = {}, {}
            for target in dict.fromkeys(e.target for e in engines):
                emitted[case.name][target], text = compile_case(case, target, wfc, place)
                if text:
                    said[target] = text
            return case, refusal_lines(case, said) if case in fixed and not options.engines else []

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for case, lines in pool.map(prepare, cases):
                for line in lines:
                    print(f"{case.name}: {line}")
                failed += bool(lines)
        bare = bare_image(folder / "bare")
        bound = [] if bare else [c for c in cases if c.names_image("bare")]
        for engine in [] if options.quick else engines:
            part = cases if engine.some is None or options.engines else cases[engine.some[0]::engine.some[1]]
            for case in bound if engine.name == "argo" else []:
                print(f"{case.name} on argo: {'FAILED' if CI else 'skipped'}: needs busybox-static and bash-static (scripts/setup)")
                failed += CI
            part = [c for c in part if engine.name != "argo" or c not in bound]
            differences, faults, n = run_engine(engine, part, here, emitted, folder, {"bare": bare} if bare else {})
            for name, lines in differences.items():
                print(f"{name} on {engine.name}:\n  " + "\n  ".join(lines))
            for line in faults:
                print(f"{engine.name}: {line}")
            refused = sum(1 for c in part if emitted[c.name].get(engine.target) is None)
            print(f"{engine.name}: {n - len(differences)} of {n} workflows run as here, {refused} refused at compile time, "
                  f"{len(faults)} faults found by its own checks", flush=True)
            failed += len(differences) + len(faults)
    for engine in missing:
        print(f"{engine.name}: {'FAILED' if CI else 'skipped'}: not installed (scripts/deps)")
        failed += CI
    return 1 if failed else 0


sys.exit(main())
