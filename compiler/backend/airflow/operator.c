/* Steps that are an operator of Airflow: `on airflow operator "package.module.Class" (argument: value)`. */
#include "compiler/backend/airflow/airflow.h"

/* Arguments that say when and where a task runs. The operator runs inside a task that has them from the annotations. */
static const char *const of_task[] = {
    "dag", "depends_on_past", "do_xcom_push", "executor", "executor_config", "execution_timeout", "inlets", "max_active_tis_per_dag",
    "max_active_tis_per_dagrun", "max_retry_delay", "on_execute_callback", "on_failure_callback", "on_retry_callback",
    "on_skipped_callback", "on_success_callback", "outlets", "owner", "pool", "pool_slots", "priority_weight", "queue", "retries",
    "retry_delay", "retry_exponential_backoff", "run_as_user", "start_date", "task_group", "task_id", "trigger_rule",
    "wait_for_downstream", "weight_rule",
};

/* What tells about the process of a step's code. */
static const Setting of_code[] = {SET_ENV, SET_CODE, SET_PACKAGES, SET_PYTHON, SET_STDOUT};

static void help(TargetCx *cx, Diag *d, const char *text) { diag_help(cx->diags, d, "%s", text); }

static bool is_word_char(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9' && !first);
}

/* package.module.Class */
static bool is_dotted(Str s) {
    bool first = true, dotted = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' && !first) dotted = first = true;
        else if (is_word_char(s.p[i], first)) first = false;
        else return false;
    }
    return dotted && !first;
}

static void check_arguments(TargetCx *cx, const FlowTargetBody *b) {
    const Flow *f = cx->flow;
    Atoms seen;
    atoms_init(&seen);
    for (uint32_t i = 0; i < b->narg; i++) {
        Atom name = f->argname.data[b->argname + i];
        if (name == 0) {
            help(cx, diag_add(cx->diags, WF_E_target_construct, b->span, "the arguments of an operator have names"), "write `name: value`");
            continue;
        }
        const char *z = atom_cstr(f->atoms, name);
        if (atom_find(&seen, str_of(z)) != 0)
            help(cx, diag_add(cx->diags, WF_E_target_construct, b->span, "the argument `%s` is given twice", z), "leave one out");
        atom_of(&seen, str_of(z));
        for (size_t k = 0; k < sizeof of_task / sizeof *of_task; k++)
            if (strcmp(z, of_task[k]) == 0)
                help(cx, diag_add(cx->diags, WF_E_target_construct, b->span, "`%s` is of the task, not of the operator in it", z),
                     "say it by an annotation of the step or the call: @retry, @timeout, @pool, @priority, @airflow");
    }
    atoms_free(&seen);
}

static void check_outputs(TargetCx *cx, const FlowTargetBody *b) {
    const Flow *f = cx->flow;
    const FlowStep *s = &f->step.data[b->step];
    for (uint32_t i = 0; i < s->noutput; i++) {
        const FlowParam *p = &f->param.data[s->output + i];
        if (!type_has(f->types, p->type, TYF_FILE)) continue;
        help(cx, diag_add(cx->diags, WF_E_target_construct, p->span, "an operator leaves no file for the output `%s`",
                          atom_cstr(f->atoms, p->name)),
             "give its address as a `string`, and read it in a step with a body");
    }
}

void airflow_operator_settings(TargetCx *cx, uint32_t step, uint32_t settings) {
    const Flow *f = cx->flow;
    const FlowSetting *total = flow_setting(f, settings, SET_TIMEOUT_TOTAL);
    const FlowConst *c = total != NULL ? airflow_const(f, total->value) : NULL;
    if (total != NULL && (c == NULL || c->kind != CONST_NONE))
        help(cx, diag_add(cx->diags, WF_E_target_limit, total->span, "Airflow cannot end all attempts of an operator after a time"),
             "limit each attempt by @timeout(t)");
    for (size_t i = 0; i < sizeof of_code / sizeof *of_code; i++) {
        const FlowSetting *s = flow_setting(f, settings, of_code[i]);
        /* Beside a body they are that body's. */
        if (s != NULL && f->step.data[step].body == BODY_NONE)
            help(cx, diag_add(cx->diags, WF_E_target_construct, s->span, "an operator has no `@%s`", setting_annotation(s->key)),
                 "leave it out: an operator runs in the Python of the worker, with what is installed there");
    }
}

void airflow_operator_check(TargetCx *cx, const FlowTargetBody *b) {
    const Flow *f = cx->flow;
    const char *form = "write `on airflow operator \"package.module.Class\" (argument: value)`";
    if (!str_is(atom_str(f->atoms, b->word), "operator"))
        help(cx, diag_add(cx->diags, WF_E_target_construct, b->span, "a step is no `%s` on Airflow", atom_cstr(f->atoms, b->word)), form);
    else if (!is_dotted(b->text))
        help(cx, diag_add(cx->diags, WF_E_target_construct, b->span, "an operator is named by its module and its class"), form);
    if (target_body(cx, b->step) != b)
        help(cx, diag_add(cx->diags, WF_E_target_construct, b->span, "step `%s` is two operators", atom_cstr(f->atoms, f->step.data[b->step].name)),
             "leave one out");
    check_arguments(cx, b);
    check_outputs(cx, b);
    airflow_operator_settings(cx, b->step, f->step.data[b->step].settings);
}

bool airflow_has_operator(const TargetCx *cx, const Used *used) {
    for (uint32_t i = 0; i < cx->flow->target_body.len; i++) {
        const FlowTargetBody *b = &cx->flow->target_body.data[i];
        if (used->step[b->step] && target_body(cx, b->step) == b) return true;
    }
    return false;
}
