/* NAME.py: what the DAG is called and how it runs, its parameters, functions, steps and tasks. */
#include "compiler/backend/airflow/airflow.h"
#include "compiler/backend/emit/py_out.h"

#include "base/json.h"

#include <inttypes.h>

const FlowConst *airflow_const(const Flow *f, Opnd o) {
    return opnd_tag(o) == OPND_CONST ? &f->constant.data[opnd_index(o)] : NULL;
}

const FlowSetting *airflow_setting(const Flow *f, const FlowNode *call, Setting key, bool *on_call) {
    *on_call = false;
    for (uint32_t i = 0; i < f->settings.data[call->settings].n; i++) {
        const FlowSetting *s = &f->setting.data[f->settings.data[call->settings].first + i];
        if (strcmp(setting_annotation(s->key), setting_annotation(key)) == 0) *on_call = true;
    }
    return flow_setting(f, *on_call ? call->settings : f->step.data[call->ref].settings, key);
}

static const FlowWorkflow *workflow_of(const Writer *w) { return &w->f->workflow.data[w->cx->workflow]; }

static const FlowConst *constant(const Writer *w, Setting key) {
    const FlowSetting *s = flow_setting(w->f, workflow_of(w)->settings, key);
    return s != NULL ? airflow_const(w->f, s->value) : NULL;
}

/* --- header --- */

static void put_docstring(Writer *w) {
    const FlowWorkflow *x = workflow_of(w);
    Buf doc = BUF_INIT;
    if (x->doc.n > 0) buf_printf(&doc, "%.*s\n\n", STR_ARG(x->doc));
    buf_printf(&doc, "Written by wfc from %.*s: change that file, not this one.\n", STR_ARG(w->cx->source));
    py_block(w->b, buf_view(&doc));
    buf_free(&doc);
}

/* What the text of a DAG uses, outside its string literals. */
typedef struct Uses {
    bool shim, cron, retry, minutes, pod, native;
} Uses;

/* The end of a string literal that begins at i. */
static size_t literal_end(Str text, size_t i) {
    bool block = i + 2 < text.n && text.p[i + 1] == '"' && text.p[i + 2] == '"';
    i += block ? 3 : 1;
    while (i < text.n && !(text.p[i] == '"' && (!block || (text.p[i + 1] == '"' && text.p[i + 2] == '"')))) i += text.p[i] == '\\' ? 2 : 1;
    return i + (block ? 3 : 1);
}

static Uses uses_of(Str text) {
    Uses u = {0};
    for (size_t i = 0; i < text.n;) {
        Str rest = {text.p + i, text.n - i};
        char c = text.p[i];
        if (c == '"') {
            i = literal_end(text, i);
            continue;
        }
        if (c == 'w') u.shim = u.shim || str_starts(rest, STR("wf."));
        if (c == 'C') u.cron = u.cron || str_starts(rest, STR("CronTriggerTimetable("));
        if (c == 'R') u.retry = u.retry || str_starts(rest, STR("Retry("));
        if (c == ' ' || c == '=') u.pod = u.pod || str_starts((Str){rest.p + 1, rest.n - 1}, STR("pod("));
        if (c == 'n') u.native = u.native || str_starts(rest, STR("native("));
        if (c == 'm') u.minutes = u.minutes || str_starts(rest, STR("minutes("));
        i++;
    }
    return u;
}

static void put_imports(Writer *w, Str body) {
    Uses u = uses_of(body);
    buf_z(w->b, "\nimport os\nimport sys\n\nsys.path.append(os.path.dirname(os.path.abspath(__file__)))\n\n");
    if (u.shim) buf_z(w->b, "import wf_shim as wf\n");
    buf_z(w->b, "from wf_airflow import ");
    if (u.cron) buf_z(w->b, "CronTriggerTimetable, ");
    buf_z(w->b, "Flow, ");
    if (u.retry) buf_z(w->b, "Retry, ");
    buf_z(w->b, u.minutes ? "date, minutes" : "date");
    buf_z(w->b, u.pod ? ", pod\n" : "\n");
    if (u.native) buf_z(w->b, "from wf_operator import native\n");
}

/* --- the DAG --- */

/* The value of the schedule's `with` for a parameter. */
static bool scheduled_value(const Writer *w, Atom name, Opnd *out) {
    const FlowSetting *with = flow_setting(w->f, workflow_of(w)->settings, SET_SCHEDULE_WITH);
    if (with == NULL || opnd_tag(with->value) != OPND_EXPR) return false;
    const FlowExpr *e = &w->f->expr.data[opnd_index(with->value)];
    if (e->op == FLOW_ENCODE) e = &w->f->expr.data[opnd_index(flow_opnds(w->f, e->a)[0])];
    if (e->op != FLOW_RECORD) return false;
    int i = type_field_index(w->f->types, e->type, name);
    if (i < 0) return false;
    *out = flow_opnds(w->f, e->a)[i];
    return true;
}

/* A secret is given by its name. */
static void put_default(Writer *w, const FlowParam *p, Opnd value) {
    const FlowConst *c = airflow_const(w->f, value);
    if (type_has(w->f->types, p->type, TYF_SECRET) && c != NULL && c->kind == CONST_STRING) py_string(w->b, c->s);
    else aw_constant(w, value);
}

static void put_params(Writer *w) {
    const FlowWorkflow *x = workflow_of(w);
    bool any = false;
    for (uint32_t i = 0; i < x->nparam; i++) {
        const FlowParam *p = &w->f->param.data[x->param + i];
        if (!any) buf_z(w->b, "    params={\n");
        any = true;
        Buf json = BUF_INIT;
        Opnd value = p->fallback;
        buf_z(w->b, "        ");
        py_string(w->b, atom_str(w->f->atoms, p->name));
        buf_z(w->b, ": (");
        aw_type(w, p->type);
        buf_z(w->b, ", ");
        aw_schema(&json, w->f, p->type, p->doc);
        py_json(w->b, buf_view(&json));
        buf_free(&json);
        if (scheduled_value(w, p->name, &value) || value != OPND_ABSENT) {
            buf_z(w->b, ", ");
            put_default(w, p, value);
        }
        buf_z(w->b, "),\n");
    }
    if (any) buf_z(w->b, "    },\n");
    aw_limits(w, "    limits=", x->param, x->nparam, ",\n");
}

static void put_text(Writer *w, const char *key, Str s) {
    buf_printf(w->b, "    %s=", key);
    py_string(w->b, s);
    buf_z(w->b, ",\n");
}

static void put_schedule(Writer *w) {
    const FlowConst *cron = constant(w, SET_SCHEDULE), *zone = constant(w, SET_SCHEDULE_TIMEZONE);
    const FlowConst *catchup = constant(w, SET_SCHEDULE_CATCHUP);
    Str start = STR("2025-01-01");
    target_string(w->cx, "start_date", &start);
    if (cron == NULL) {
        buf_z(w->b, "    schedule=None,\n");
    } else {
        buf_z(w->b, "    schedule=CronTriggerTimetable(");
        py_string(w->b, cron->s);
        buf_z(w->b, ", timezone=");
        py_string(w->b, zone != NULL ? zone->s : STR("UTC"));
        buf_z(w->b, "),\n");
    }
    buf_z(w->b, "    start_date=date(");
    py_string(w->b, start);
    buf_printf(w->b, "),\n    catchup=%s,\n", catchup != NULL && catchup->i ? "True" : "False");
}

static void put_options(Writer *w) {
    const FlowConst *runs = constant(w, SET_CONCURRENCY), *owner = constant(w, SET_OWNER), *timeout = constant(w, SET_TIMEOUT);
    const FlowSetting *tags = flow_setting(w->f, workflow_of(w)->settings, SET_TAGS);
    Str text;
    put_schedule(w);
    if (runs != NULL) buf_printf(w->b, "    max_active_runs=%" PRId64 ",\n", runs->i);
    if (timeout != NULL && timeout->kind == CONST_INT) {
        char minutes[32];
        format_double((double)timeout->i / 60000, minutes);
        buf_printf(w->b, "    dagrun_timeout=minutes(%s),\n", minutes);
    }
    if (tags != NULL) {
        buf_z(w->b, "    tags=");
        aw_constant(w, tags->value);
        buf_z(w->b, ",\n");
    }
    size_t start = w->b->n;
    if (owner != NULL) {
        buf_z(w->b, "    default_args={\"owner\": ");
        py_string(w->b, owner->s);
    }
    aw_pod(w, NULL, owner != NULL ? ", \"executor_config\": " : "    default_args={\"executor_config\": ");
    if (w->b->n > start) buf_z(w->b, "},\n");
    aw_own(w, flow_setting(w->f, workflow_of(w)->settings, SET_AIRFLOW), "    ", ",\n");
    if (target_string(w->cx, "store", &text)) put_text(w, "store", text);
    if (target_string(w->cx, "project", &text)) put_text(w, "project", text);
    if (workflow_of(w)->doc.n > 0) buf_z(w->b, "    doc_md=__doc__,\n");
}

/* --- files --- */

/* The pools that steps name, for `airflow pools import`. */
static void put_pools(TargetCx *cx, EmitOut *out, const Used *used) {
    const Flow *f = cx->flow;
    Buf json = BUF_INIT;
    JsonOut j = json_open(&json, '{');
    Atoms seen;
    atoms_init(&seen);
    for (uint32_t i = 0; i < f->node.len; i++) {
        const FlowNode *n = &f->node.data[i];
        bool on_call;
        if (n->kind != NODE_CALL || !used->step[n->ref]) continue;
        const FlowSetting *name = airflow_setting(f, n, SET_POOL, &on_call);
        const FlowSetting *slots = airflow_setting(f, n, SET_POOL_SLOTS, &on_call);
        const FlowConst *c = name != NULL ? airflow_const(f, name->value) : NULL;
        const FlowConst *k = slots != NULL ? airflow_const(f, slots->value) : NULL;
        if (c == NULL || atom_find(&seen, c->s) != 0) continue;
        atom_of(&seen, c->s);
        json_key_str(&j, c->s);
        JsonOut pool = json_open(&json, '{');
        json_key(&pool, "slots");
        json_int(&json, k != NULL && k->kind == CONST_INT ? k->i : 1);
        json_key(&pool, "description");
        json_z(&json, "");
        json_key(&pool, "include_deferred");
        json_bool(&json, false);
        json_close(&pool);
    }
    json_close(&j);
    if (json.n > 2) {
        Buf *b = emit_file(out, "pools.json");
        buf_str(b, buf_view(&json));
        buf_addc(b, '\n');
    }
    atoms_free(&seen);
    buf_free(&json);
}

/* What is imported depends on the rest, so the head comes before it in the end; the marks move along. */
static void put_head(Writer *w) {
    Buf *file = w->b, head = BUF_INIT;
    w->b = &head;
    put_docstring(w);
    put_imports(w, buf_view(file));
    aw_types(w);
    for (uint32_t i = 0; i < w->out->mark.len; i++)
        if (w->out->mark.data[i].file == w->out->file.len - 1) w->out->mark.data[i].at += head.n;
    buf_str(&head, buf_view(file));
    buf_free(file);
    *file = head;
    w->b = file;
}

static bool needs_node(const TargetCx *cx, const Used *used) {
    const Flow *f = cx->flow;
    for (uint32_t i = 0; i < f->step.len; i++) {
        const FlowStep *s = &f->step.data[i];
        if (used->step[i] && target_body(cx, i) == NULL && s->body == BODY_FENCE && str_is(atom_str(f->atoms, s->lang), "node")) return true;
    }
    return false;
}

void airflow_emit(TargetCx *cx, EmitOut *out) {
    Writer w = {.cx = cx, .f = cx->flow, .out = out};
    Used used = target_used(cx->flow, cx->workflow);
    const FlowWorkflow *x = workflow_of(&w);
    const char *name = atom_cstr(cx->flow->atoms, x->name);
    w.b = emit_file(out, arena_printf(&w.arena, "%s.py", name));
    aw_functions(&w, used.fn);
    aw_steps(&w, used.step);
    buf_addc(w.b, '\n');
    emit_mark(out, x->span);
    buf_printf(w.b, "flow = Flow(\n    \"%s\",\n", name);
    put_options(&w);
    put_params(&w);
    buf_z(w.b, ")\n\n");
    aw_tasks(&w);
    buf_z(w.b, "\ndag = flow.dag()\n");
    put_head(&w);
    put_pools(cx, out, &used);
    buf_str(emit_file(out, "wf_shim.py"), cx->shim);
    buf_str(emit_file(out, "wf_airflow.py"), airflow_runtime());
    if (airflow_has_operator(cx, &used)) buf_str(emit_file(out, "wf_operator.py"), airflow_operator_runtime());
    if (needs_node(cx, &used)) buf_str(emit_file(out, "wf_shim.js"), cx->node_shim);
    used_free(&used);
    vec_free(&w.comma);
    vec_free(&w.type);
    arena_free(&w.arena);
}
