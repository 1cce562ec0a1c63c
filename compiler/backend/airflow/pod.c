/* What the Kubernetes executor is told about a task's pod: its image, what it needs, where it runs and as whom. */
#include "compiler/backend/airflow/airflow.h"
#include "compiler/backend/emit/py_out.h"

#include <inttypes.h>

static const Setting keys[] = {SET_IMAGE, SET_CPU, SET_MEMORY, SET_GPU, SET_DISK, SET_NODE_SELECTOR, SET_SERVICE_ACCOUNT};
enum { KEYS = sizeof keys / sizeof *keys };

bool airflow_of_pod(Setting key) {
    for (size_t i = 0; i < KEYS; i++)
        if (keys[i] == key) return true;
    return false;
}

/* The setting that holds for a call, or (NULL) for all tasks of the run. */
static const FlowSetting *find(const Writer *w, const FlowNode *call, Setting key) {
    bool on_call;
    const FlowSetting *s = call != NULL ? airflow_setting(w->f, call, key, &on_call) : NULL;
    return s != NULL ? s : flow_setting(w->f, w->f->workflow.data[w->cx->workflow].settings, key);
}

static const FlowConst *constant(const Writer *w, const FlowNode *call, Setting key) {
    const FlowSetting *s = find(w, call, key);
    const FlowConst *c = s != NULL ? airflow_const(w->f, s->value) : NULL;
    return c != NULL && c->kind != CONST_NONE ? c : NULL;
}

static void put_text(Writer *w, const char **before, const char *key, const FlowConst *c) {
    if (c == NULL) return;
    buf_printf(w->b, "%s%s=", *before, key);
    py_string(w->b, c->s);
    *before = ", ";
}

static void put_labels(Writer *w, const char **before, const FlowSetting *s) {
    if (s == NULL || opnd_tag(s->value) != OPND_EXPR) return;
    const FlowExpr *x = &w->f->expr.data[opnd_index(s->value)];
    buf_printf(w->b, "%snode={", *before);
    for (uint16_t i = 0; x->op == FLOW_MAP && i + 1 < x->n; i = (uint16_t)(i + 2)) {
        const Opnd *o = flow_opnds(w->f, x->a) + i;
        buf_z(w->b, i > 0 ? ", " : "");
        aw_constant(w, o[0]);
        buf_z(w->b, ": ");
        aw_constant(w, o[1]);
    }
    buf_addc(w->b, '}');
    *before = ", ";
}

static void put_number(Writer *w, const char **before, const char *key, const FlowConst *c) {
    if (c == NULL) return;
    char text[32];
    buf_printf(w->b, "%s\"%s\": \"", *before, key);
    if (c->kind == CONST_FLOAT) buf_add(w->b, text, format_double(c->f, text));
    else buf_printf(w->b, "%" PRId64, c->i);
    buf_addc(w->b, '"');
    *before = ", ";
}

/* Memory beyond its request ends a pod sooner or later, so both are the same; a GPU has a limit only. */
static void put_resources(Writer *w, const char **before, const FlowNode *call) {
    const FlowConst *cpu = constant(w, call, SET_CPU), *memory = constant(w, call, SET_MEMORY);
    const FlowConst *gpu = constant(w, call, SET_GPU), *disk = constant(w, call, SET_DISK);
    const char *inner = "";
    if (cpu != NULL || memory != NULL || disk != NULL) {
        buf_printf(w->b, "%srequests={", *before);
        put_number(w, &inner, "cpu", cpu);
        put_number(w, &inner, "memory", memory);
        put_number(w, &inner, "ephemeral-storage", disk);
        buf_addc(w->b, '}');
        *before = ", ";
    }
    if (memory == NULL && gpu == NULL) return;
    inner = "";
    buf_printf(w->b, "%slimits={", *before);
    put_number(w, &inner, "memory", memory);
    put_number(w, &inner, "nvidia.com/gpu", gpu);
    buf_addc(w->b, '}');
    *before = ", ";
}

bool aw_pod(Writer *w, const FlowNode *call, const char *before) {
    bool own = false, on_call;
    for (size_t i = 0; i < KEYS; i++) {
        const FlowSetting *s = call != NULL ? airflow_setting(w->f, call, keys[i], &on_call) : find(w, NULL, keys[i]);
        const FlowConst *c = s != NULL ? airflow_const(w->f, s->value) : NULL;
        own = own || (s != NULL && (c == NULL || c->kind != CONST_NONE));
    }
    if (!own) return false;
    const char *between = "";
    buf_printf(w->b, "%spod(", before);
    put_text(w, &between, "image", constant(w, call, SET_IMAGE));
    put_resources(w, &between, call);
    put_labels(w, &between, find(w, call, SET_NODE_SELECTOR));
    put_text(w, &between, "service_account", constant(w, call, SET_SERVICE_ACCOUNT));
    buf_addc(w->b, ')');
    return true;
}
