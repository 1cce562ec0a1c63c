/* `@airflow(...)`: where Airflow runs a task or how it shows a DAG, as a YAML fence; nothing that changes what a run means. */
#include "compiler/backend/airflow/airflow.h"

#include "base/json.h"
#include "base/yaml.h"
#include "compiler/backend/emit/py_out.h"

typedef struct Own {
    const char *name;
    JsonKind kind; /* JSON_TRUE: a bool */
    const char *what;
} Own;

static const Own of_task[] = {
    {"queue", JSON_STRING, "a text"},
    {"executor", JSON_STRING, "a text"},
    {"pool_slots", JSON_INT, "a whole number"},
    {"max_active_tis_per_dag", JSON_INT, "a whole number"},
    {0},
};
static const Own of_dag[] = {
    {"max_active_tasks", JSON_INT, "a whole number"},
    {"max_consecutive_failed_dag_runs", JSON_INT, "a whole number"},
    {"is_paused_upon_creation", JSON_TRUE, "true or false"},
    {"dag_display_name", JSON_STRING, "a text"},
    {0},
};

static const Own *find(const Own *list, Str name) {
    for (; list->name != NULL; list++)
        if (str_is(name, list->name)) return list;
    return NULL;
}

static void fault(TargetCx *cx, const FlowSetting *s, const char *what) {
    diag_add(cx->diags, WF_E_target_setting, s->span, "`@airflow`: %s", what);
}

static void unknown(TargetCx *cx, const FlowSetting *s, const Own *list, Str key) {
    Buf names = BUF_INIT;
    Diag *d = diag_add(cx->diags, WF_E_target_setting, s->span, "`@airflow` has no setting `%.*s` here", STR_ARG(key));
    for (const Own *x = list; x->name != NULL; x++) buf_printf(&names, "%s`%s`", x == list ? "" : ", ", x->name);
    diag_help(cx->diags, d, "it has %s", buf_cstr(&names));
    buf_free(&names);
}

void airflow_own_check(TargetCx *cx, const FlowSetting *s, bool dag) {
    const FlowConst *c = s != NULL ? airflow_const(cx->flow, s->value) : NULL;
    if (c == NULL) return;
    const Own *list = dag ? of_dag : of_task;
    Buf json = BUF_INIT, why = BUF_INIT;
    if (!yaml_to_json(c->s, &json, &why)) {
        fault(cx, s, buf_cstr(&why));
    } else {
        JsonIn j = json_in(buf_view(&json));
        Str key;
        if (json_next(&j) != JSON_OBJECT) fault(cx, s, "this is no map of settings");
        else while (json_member(&j, &key)) {
            const Own *x = find(list, key);
            if (x == NULL) unknown(cx, s, list, key);
            JsonKind k = json_next(&j);
            if (x != NULL && k != x->kind && !(x->kind == JSON_TRUE && k == JSON_FALSE)) {
                Buf what = BUF_INIT;
                buf_printf(&what, "`%s` is %s", x->name, x->what);
                fault(cx, s, buf_cstr(&what));
                buf_free(&what);
            }
            while (k == JSON_ARRAY && json_element(&j)) json_skip(&j);
            while (k == JSON_OBJECT && json_member(&j, &key)) json_skip(&j);
        }
        json_in_free(&j);
    }
    buf_free(&json);
    buf_free(&why);
}

void aw_own(Writer *w, const FlowSetting *s, const char *before, const char *after) {
    const FlowConst *c = s != NULL ? airflow_const(w->f, s->value) : NULL;
    if (c == NULL) return;
    Buf json = BUF_INIT, why = BUF_INIT;
    yaml_to_json(c->s, &json, &why);
    JsonIn j = json_in(buf_view(&json));
    Str key;
    json_next(&j);
    while (json_member(&j, &key)) {
        buf_printf(w->b, "%s%.*s=", before, STR_ARG(key));
        size_t at = j.at;
        json_skip(&j);
        py_json(w->b, (Str){json.p + at, j.at - at});
        buf_z(w->b, after);
    }
    json_in_free(&j);
    buf_free(&json);
    buf_free(&why);
}
