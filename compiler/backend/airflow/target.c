/* What Airflow keeps of the language, and what is reported before anything is written. */
#include "compiler/backend/airflow/airflow.h"

#define KEPT(note) {CAP_KEPT, note}
#define LIMITED(note) {CAP_LIMITED, note}
#define REFUSED(note) {CAP_REFUSED, note}
#define IGNORED(note) {CAP_IGNORED, note}

static const Capability caps[CAP_COUNT] = {
    [CAP_PYTHON] = KEPT(""),
    [CAP_SHELL] = KEPT(""),
    [CAP_NODE] = KEPT("with node installed on the workers"),
    [CAP_EXEC] = KEPT(""),
    [CAP_EXTERN] = REFUSED("functions of a shared library run inside wfc; call the library from a Python step"),
    [CAP_SUPPLIED] = REFUSED("Airflow 2 has no form for outputs that people provide; take them as parameters of the workflow, or, for Airflow 3, add "
                              "`on airflow operator \"airflow.providers.standard.operators.hitl.HITLOperator\" (...)`"),
    [CAP_OWN_BODY] = LIMITED("an operator: `on airflow operator \"package.module.Class\" (argument: value)`; no files as outputs"),
    [CAP_FILES] = KEPT("in the store of the Airflow variable `wfc_store` or the setting `store`"),
    [CAP_DIRS] = KEPT(""),
    [CAP_FILE_LISTS] = KEPT(""),
    [CAP_SECRETS] = KEPT("the password of the connection `wfc_secret_NAME`, else the variable of that name, else WFC_SECRET_NAME of the workers"),
    [CAP_FILE_PARAMS] = KEPT("a path or an address that the workers see; the run begins by taking it into the store"),
    [CAP_LIMITS] = KEPT(""),
    [CAP_EXPRESSIONS] = KEPT("as Python, inside the task that needs them"),
    [CAP_PATTERNS] = LIMITED("by Python's expressions, which agree with RE2 on what both have; what only RE2 has fails with kind `value`"),
    [CAP_ORDER] = KEPT(""),
    [CAP_BRANCH] = KEPT(""),
    [CAP_LOOP] = LIMITED("a mapped task group; up to `[core] max_map_length` items, 1024 unless set"),
    [CAP_LOOP_ZIP] = KEPT(""),
    [CAP_LOOP_FILTER] = KEPT(""),
    [CAP_LOOP_NESTED] = LIMITED("one mapped group over the items of all outer items together; what follows in the outer loop waits for them"),
    [CAP_BRANCH_IN_LOOP] = KEPT(""),
    [CAP_SUB_IN_LOOP] = KEPT(""),
    [CAP_REPEAT] = LIMITED("a task group for each pass: `max` is a constant up to 100"),
    [CAP_REPEAT_IN_LOOP] = LIMITED("likewise"),
    [CAP_TRY] = KEPT(""),
    [CAP_FAIL] = KEPT(""),
    [CAP_SUB] = KEPT("as a task group"),
    [CAP_ON_SUCCESS] = KEPT(""),
    [CAP_ON_FAILURE] = KEPT(""),
    [CAP_FINALLY] = KEPT(""),
    [CAP_FACT_RUN_ID] = KEPT("the run_id of Airflow"),
    [CAP_FACT_RUN_TIME] = KEPT(""),
    [CAP_FACT_RUN_SCHEDULED_AT] = KEPT("the logical date of scheduled runs"),
    [CAP_FACT_RUN_PARAMS] = KEPT(""),
    [CAP_FACT_RUN_STATUS] = KEPT(""),
    [CAP_FACT_RUN_DURATION] = KEPT(""),
    [CAP_FACT_RUN_FAILURES] = KEPT(""),
#define SET(key) [CAP_OF(SET_##key)]
    SET(RETRY) = LIMITED("`retries` of the task; a constant"),
    SET(RETRY_DELAY) = LIMITED("a constant; what exceeds the shortest delay, the task waits itself"),
    SET(RETRY_FACTOR) = LIMITED("a constant"),
    SET(RETRY_MAX_DELAY) = LIMITED("a constant"),
    SET(RETRY_JITTER) = KEPT(""),
    SET(RETRY_ON) = KEPT(""),
    SET(TIMEOUT) = KEPT("of a step: its process group ends; of a workflow: `dagrun_timeout`"),
    SET(TIMEOUT_TOTAL) = KEPT("of a step: all attempts are made inside one of Airflow's"),
    SET(CPU) = LIMITED("the pod's request under the Kubernetes executor, a constant; other executors ignore it"),
    SET(MEMORY) = LIMITED("the pod's request and limit under the Kubernetes executor, a constant; other executors ignore it"),
    SET(GPU) = LIMITED("the pod's `nvidia.com/gpu` under the Kubernetes executor, a constant; other executors ignore it"),
    SET(DISK) = LIMITED("the pod's `ephemeral-storage` under the Kubernetes executor, a constant; other executors ignore it"),
    SET(IMAGE) = LIMITED("the pod's image (with Airflow) under the Kubernetes executor, a constant; others ignore it"),
    SET(ENTRYPOINT) = REFUSED("tasks run in the workers' own environment"),
    SET(ENV) = KEPT(""),
    SET(CODE) = LIMITED("the files are expected beside the DAG, or in the folder of the setting `project`; all of that folder is visible"),
    SET(PACKAGES) = KEPT("a virtual environment on the worker"),
    SET(PYTHON) = KEPT("with that Python on the workers"),
    SET(STDOUT) = KEPT(""),
    SET(CACHE) = REFUSED("Airflow has no cache of outputs; leave @cache out here"),
    SET(ISOLATE) = REFUSED("tasks run in the workers' own environment"),
    SET(NETWORK) = REFUSED("tasks run in the workers' own environment"),
    SET(WRITABLE) = REFUSED("tasks run in the workers' own environment"),
    SET(MOUNT) = REFUSED("tasks run in the workers' own environment"),
    SET(SERVICE_PORT) = REFUSED("a task cannot run beside others and be reached by them; start the service outside and pass its address"),
    SET(SERVICE_READY) = REFUSED("a task cannot run beside others and be reached by them"),
    SET(PARALLEL) = LIMITED("`max_active_tis_per_dagrun` of each call in the loop; a constant"),
    SET(TOLERATE) = KEPT(""),
    SET(FAIL_FAST) = REFUSED("`fail_fast` of Airflow allows no trigger rules, which blocks and the value of the run need, and a task of Airflow 3 cannot end others; "
                               "let the others finish"),
    SET(CONCURRENCY) = KEPT("`max_active_runs`"),
    SET(CONCURRENCY_OVERLAP) = LIMITED("`wait` only"),
    SET(CONCURRENCY_KEY) = REFUSED("`max_active_runs` counts all runs, and pools have to be there before; leave the key out, or write a workflow for each value"),
    SET(POOL) = KEPT("pools.json for `airflow pools import`"),
    SET(POOL_SLOTS) = KEPT(""),
    SET(PRIORITY) = LIMITED("`priority_weight`, absolute; a constant"),
    SET(SCHEDULE) = KEPT("CronTriggerTimetable"),
    SET(SCHEDULE_TIMEZONE) = KEPT(""),
    SET(SCHEDULE_CATCHUP) = KEPT("from the setting `start_date` on"),
    SET(SCHEDULE_WITH) = LIMITED("the parameters' defaults, which hold for runs by hand as well"),
    SET(TRIGGER_ON) = REFUSED("Airflow starts one run for several events of an asset that come close together; start a run for each event by the REST "
                                "interface or `airflow dags trigger`"),
    SET(TRIGGER_WITH) = REFUSED("the REST interface takes the values as `conf`"),
    SET(NOTIFY) = REFUSED("write a step that tells it, in `on failure` or `on success`"),
    SET(NOTIFY_ON) = REFUSED("write a step that tells it, in `on failure` or `on success`"),
    SET(CONFIG) = IGNORED(""),
    SET(OWNER) = KEPT("`owner` of all tasks"),
    SET(TAGS) = KEPT(""),
    SET(LABEL) = IGNORED(""),
    SET(NODE_SELECTOR) = LIMITED("the pod's `nodeSelector` under the Kubernetes executor; other executors ignore it"),
    SET(SERVICE_ACCOUNT) = LIMITED("of the pod under the Kubernetes executor; other executors ignore it"),
    SET(ARGO) = IGNORED(""),
    SET(AIRFLOW) = LIMITED("of steps `queue`, `executor`, `pool_slots`, `max_active_tis_per_dag`; of workflows `max_active_tasks`, "
                           "`max_consecutive_failed_dag_runs`, `is_paused_upon_creation`, `dag_display_name`"),
    SET(STEPFUNCTIONS) = IGNORED(""),
#undef SET
};

static const TargetSetting settings[] = {
    {"store", T_STRING, NULL, "where files are kept: a folder that all workers see, or an address such as s3://aws_default@bucket/prefix; "
                              "without it the Airflow variable `wfc_store`"},
    {"project", T_STRING, "\".\"", "the folder that std.files and @code read, seen from the DAG's folder"},
    {"start_date", T_STRING, "\"2025-01-01\"", "the date from which the schedule holds"},
    {0},
};

/* --- what the table cannot tell --- */

static void limit(TargetCx *cx, Span at, const char *what, const char *help) {
    Diag *d = diag_add(cx->diags, WF_E_target_limit, at, "%s", what);
    diag_help(cx->diags, d, "%s", help);
}

static void check_constant(TargetCx *cx, const FlowSetting *s) {
    if (s == NULL || airflow_const(cx->flow, s->value) != NULL) return;
    Buf what = BUF_INIT;
    buf_printf(&what, "`%s` of @%s is a constant on Airflow, which reads it before any run", setting_param(s->key),
               setting_annotation(s->key));
    limit(cx, s->span, buf_cstr(&what), "write the value itself");
    buf_free(&what);
}

static void check_no_timeout(TargetCx *cx, uint32_t at) {
    for (int i = 0; i < 2; i++) {
        const FlowSetting *s = flow_setting(cx->flow, at, i == 0 ? SET_TIMEOUT : SET_TIMEOUT_TOTAL);
        const FlowConst *c = s != NULL ? airflow_const(cx->flow, s->value) : NULL;
        if (s == NULL || (c != NULL && c->kind == CONST_NONE)) continue;
        limit(cx, s->span, "Airflow cannot end a part of a run after a time", "put @timeout on the steps of the workflow");
    }
}

/* What tells about pods stands on steps, their calls and the workflow of the run. */
static void check_no_pod(TargetCx *cx, uint32_t at) {
    const FlowSettings *all = &cx->flow->settings.data[at];
    for (uint32_t i = 0; i < all->n; i++) {
        const FlowSetting *s = &cx->flow->setting.data[all->first + i];
        const FlowConst *c = airflow_const(cx->flow, s->value);
        if (!airflow_of_pod(s->key) || s->value == OPND_ABSENT || (c != NULL && c->kind == CONST_NONE)) continue;
        Buf what = BUF_INIT;
        buf_printf(&what, "Airflow has no `@%s` for a workflow that is called", setting_annotation(s->key));
        limit(cx, s->span, buf_cstr(&what), "put it on the steps of that workflow");
        buf_free(&what);
    }
}

static void check_node(TargetCx *cx, NodeId id) {
    static const Setting fixed[] = {SET_RETRY,  SET_RETRY_DELAY, SET_RETRY_FACTOR, SET_RETRY_MAX_DELAY, SET_PRIORITY, SET_CPU,
                                    SET_MEMORY, SET_GPU,         SET_DISK,         SET_IMAGE};
    const Flow *f = cx->flow;
    const FlowNode *n = &f->node.data[id];
    bool on_call;
    if (n->kind == NODE_CALL)
        for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) check_constant(cx, airflow_setting(f, n, fixed[i], &on_call));
    if (n->kind == NODE_CALL && target_body(cx, n->ref) != NULL) airflow_operator_settings(cx, n->ref, n->settings);
    if (n->kind == NODE_EACH) check_constant(cx, flow_setting(f, n->settings, SET_PARALLEL));
    if (n->kind == NODE_SUB) {
        check_no_timeout(cx, n->settings);
        check_no_pod(cx, n->settings);
    }
    if (n->kind != NODE_LOOP) return;
    const FlowConst *bound = airflow_const(f, flow_opnds(f, n->arg)[1]);
    if (bound == NULL || bound->i > AIRFLOW_PASSES)
        limit(cx, f->node_span.data[id], "a `repeat` on Airflow has a constant `max` of at most 100: each pass is a group of tasks",
              "write a smaller number, or do the passes inside one step");
}

static void check_root(TargetCx *cx) {
    const Flow *f = cx->flow;
    const FlowWorkflow *x = &f->workflow.data[cx->workflow];
    const FlowSetting *overlap = flow_setting(f, x->settings, SET_CONCURRENCY_OVERLAP);
    const FlowSetting *timeout = flow_setting(f, x->settings, SET_TIMEOUT);
    const FlowSetting *catchup = flow_setting(f, x->settings, SET_SCHEDULE_CATCHUP);
    const FlowConst *c = overlap != NULL ? airflow_const(f, overlap->value) : NULL;
    uint32_t n;
    if (c != NULL && !str_is(atom_str(f->atoms, type_fields(f->types, c->type, &n)[c->i].name), "wait"))
        limit(cx, overlap->span, "runs of Airflow wait for one another; they neither skip nor cancel",
              "write `overlap: wait`, or leave it out");
    const FlowSetting *total = flow_setting(f, x->settings, SET_TIMEOUT_TOTAL);
    check_constant(cx, timeout);
    check_constant(cx, flow_setting(f, x->settings, SET_IMAGE));
    airflow_own_check(cx, flow_setting(f, x->settings, SET_AIRFLOW), true);
    if (total != NULL) limit(cx, total->span, "a workflow has one attempt", "write @timeout(t)");
    if (timeout != NULL && (x->on_success != 0 || x->on_failure != 0 || x->finally != 0))
        limit(cx, timeout->span, "a run that Airflow ends after its time runs no handlers",
              "put @timeout on steps, or leave the handlers out");
    c = catchup != NULL ? airflow_const(f, catchup->value) : NULL;
    Str start;
    if (c != NULL && c->i && !target_string(cx, "start_date", &start))
        limit(cx, catchup->span, "Airflow catches up from a date on",
              "say since when: `target NAME on airflow { start_date = \"2026-01-01\" }`");
}

static bool is_date(Str s) {
    if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-') return false;
    for (size_t i = 0; i < s.n; i++)
        if (i != 4 && i != 7 && (s.p[i] < '0' || s.p[i] > '9')) return false;
    int month = (s.p[5] - '0') * 10 + s.p[6] - '0', day = (s.p[8] - '0') * 10 + s.p[9] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= 28 + 3 * (month != 2);
}

static void check_size(TargetCx *cx) {
    const Flow *f = cx->flow;
    const FlowWorkflow *x = &f->workflow.data[cx->workflow];
    AirflowSize size = airflow_size(f, cx->workflow);
    Str name = atom_str(f->atoms, x->name);
    if (size.too_long)
        diag_add(cx->diags, WF_E_target_name, f->node_span.data[size.node],
                 "the name of this task, with those of the blocks around it, would be longer than the 250 bytes of Airflow");
    else if (size.tasks > AIRFLOW_TASKS)
        limit(cx, x->span, "this would be a DAG of more than 20,000 tasks", "divide the workflow, or do more in one step");
    if (str_is(name, "wf_shim") || str_is(name, "wf_airflow") || str_is(name, "wf_operator"))
        diag_add(cx->diags, WF_E_target_name, x->span, "`%.*s.py` is the name of a file that goes with every DAG", STR_ARG(name));
}

static void check(TargetCx *cx) {
    const Flow *f = cx->flow;
    Used used = target_used(f, cx->workflow);
    for (RegionId r = 1; r < f->region.len; r++) {
        const FlowRegion *x = &f->region.data[r];
        if (!used.workflow[x->workflow]) continue;
        for (uint32_t i = 0; i < x->n; i++) check_node(cx, x->first + i);
    }
    for (uint32_t i = 0; i < f->step.len; i++)
        if (used.step[i]) airflow_own_check(cx, flow_setting(f, f->step.data[i].settings, SET_AIRFLOW), false);
    target_each_body(cx, &used, airflow_operator_check);
    for (uint32_t i = 0; i < f->workflow.len; i++) {
        if (i == cx->workflow || !used.workflow[i]) continue;
        check_no_timeout(cx, f->workflow.data[i].settings);
        check_no_pod(cx, f->workflow.data[i].settings);
    }
    check_root(cx);
    Str start;
    if (target_string(cx, "start_date", &start) && !is_date(start))
        diag_add(cx->diags, WF_E_target_setting, f->target.data[cx->block].span, "`start_date` is a date: \"2026-01-31\"");
    used_free(&used);
    if (cx->diags->nerrors == 0) check_size(cx);
}

extern const Target target_airflow;
const Target target_airflow = {
    .name = "airflow",
    .title = "Airflow",
    .doc = "Apache Airflow 2.11 and 3.1 or later: NAME.py and the modules beside it go into the DAGs folder together. "
           "Every call is a task.",
    .caps = caps,
    .settings = settings,
    .check = check,
    .emit = airflow_emit,
};
