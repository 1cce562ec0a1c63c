"""One Airflow in this process: a metadata database in a scratch folder, DAGs by folder, runs without a scheduler.

Everything that differs between the versions of Airflow is here."""
import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import pathlib
import sys


def version():
    return tuple(int(part) for part in importlib.metadata.version("apache-airflow").split(".")[:2])


def bundle_name(folder):
    return "b" + hashlib.sha256(str(folder).encode()).hexdigest()[:12]


def configure(home, folders):
    """Airflow reads its settings when it is imported, so this comes before."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "dags").mkdir(exist_ok=True)
    settings = {
        "CORE__LOAD_EXAMPLES": "False",
        # Workflows of one name follow each other at once.
        "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
        "CORE__DAGS_FOLDER": str(home / "dags"),
        "CORE__EXECUTOR": "SequentialExecutor" if version() < (3, 0) else "LocalExecutor",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "LOGGING__LOGGING_LEVEL": "WARNING",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        # A bundle for each folder: dag.test() syncs the whole bundle of its DAG each time.
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([
            {"name": bundle_name(folder), "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
             "kwargs": {"path": str(folder), "refresh_interval": 0}} for folder in folders]),
    }
    os.environ["AIRFLOW_HOME"] = str(home)
    os.environ.update({f"AIRFLOW__{name}": value for name, value in settings.items()})


@contextlib.contextmanager
def output_to(path):
    """What this process and its children print goes to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with open(path, "wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for fd, saved in zip((1, 2), kept):
                os.dup2(saved, fd)
                os.close(saved)


class Session:
    def __init__(self, home, folders):
        self.home = pathlib.Path(home)
        self.old = version() < (3, 0)
        self.now = None
        configure(self.home, sorted(set(map(str, folders))))
        with output_to(self.home / "init.log"):
            from airflow.utils.db import initdb
            initdb()
            if (3, 0) <= version() < (3, 3):
                # It would build the API that tasks speak to anew for each task, which takes longer than most tasks.
                from airflow.sdk.execution_time import supervisor
                supervisor.in_process_api_server = functools.cache(supervisor.in_process_api_server)

    def load(self, folder):
        """The DAGs of a folder by id, imported and written to the database; raises with the errors of import."""
        # Another folder may have had modules of the same names beside its DAGs; Airflow itself has a process for each.
        if self.now != str(folder):
            for name, module in list(sys.modules.items()):
                if self.now and str(getattr(module, "__file__", None) or "").startswith(self.now + os.sep):
                    del sys.modules[name]
            sys.path[:] = [path for path in sys.path if path != self.now]
            self.now = str(folder)
        if self.old:
            from airflow.models.dagbag import DagBag
            sys.path.append(self.now)
            bag = DagBag(folder, include_examples=False)
            self.check(bag)
            bag.sync_to_db()
        else:
            from airflow.dag_processing.bundles.manager import DagBundlesManager
            if version() < (3, 2):
                from airflow.models.dagbag import BundleDagBag, sync_bag_to_db
                named = {}
            else:
                from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
                named = {"bundle_name": bundle_name(folder)}
            manager = DagBundlesManager()
            manager.sync_bundles_to_db()
            bundle = manager.get_bundle(bundle_name(folder))
            bundle.initialize()
            bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, **named)
            self.check(bag)
            sync_bag_to_db(bag, bundle.name, bundle.version)
        return dict(bag.dags)

    @staticmethod
    def check(bag):
        if bag.import_errors:
            raise ImportError("\n".join(f"{file}: {text}" for file, text in sorted(bag.import_errors.items())))

    def run(self, dag, conf):
        """The state of a run of the DAG, and of its task instances: {(task_id, map_index): (state, {key: XCom})}."""
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session
        if self.old:
            from airflow.models.xcom import XCom
        else:
            from airflow.models.xcom import XComModel as XCom
        run = dag.test(run_conf=conf)
        with create_session() as session:
            of_run = {"dag_id": dag.dag_id, "run_id": run.run_id}
            values = {}
            for row in session.query(XCom).filter_by(**of_run):
                values.setdefault((row.task_id, row.map_index), {})[row.key] = row.value if self.old else XCom.deserialize_value(row)
            instances = {(ti.task_id, ti.map_index): (str(ti.state or "none"), values.get((ti.task_id, ti.map_index), {}))
                         for ti in session.query(TaskInstance).filter_by(**of_run)}
        return str(getattr(run.state, "value", run.state)), instances

    def structure(self, dag):
        """The serialized DAG as one JSON object."""
        if version() < (3, 2):
            from airflow.serialization.serialized_objects import SerializedDAG as Serialization
        else:
            from airflow.serialization.serialized_objects import DagSerialization as Serialization
        serialized = Serialization.to_dict(dag)
        Serialization.validate_schema(serialized)
        return serialized
