/* Steps as constants of the module, for wf.step; and parameters as JSON schemas. */
#include "compiler/backend/airflow/airflow.h"
#include "compiler/backend/emit/py_out.h"

#include "base/json.h"

static bool is_stdout(const Writer *w, const FlowStep *s, const FlowParam *output) {
    const FlowSetting *x = flow_setting(w->f, s->settings, SET_STDOUT);
    const FlowConst *c = x != NULL ? airflow_const(w->f, x->value) : NULL;
    return c != NULL && (c->s.n == 0 || str_eq(c->s, atom_str(w->f->atoms, output->name)));
}

/* [["name", type, flag], ...] on one line when there is one, else on a line each. */
static void put_params(Writer *w, const FlowStep *s, bool outputs) {
    uint32_t first = outputs ? s->output : s->param, n = outputs ? s->noutput : s->nparam;
    buf_printf(w->b, "    \"%s\": [", outputs ? "outputs" : "inputs");
    for (uint32_t i = 0; i < n; i++) {
        const FlowParam *p = &w->f->param.data[first + i];
        buf_z(w->b, n > 1 ? "\n        [" : "[");
        py_string(w->b, atom_str(w->f->atoms, p->name));
        buf_z(w->b, ", ");
        aw_type(w, p->type);
        buf_printf(w->b, ", %s]%s", (outputs ? is_stdout(w, s, p) : p->load) ? "True" : "False", n > 1 ? "," : "");
    }
    buf_z(w->b, n > 1 ? "\n    ],\n" : "],\n");
}

static void put_strings(Writer *w, const char *key, Opnd o) {
    buf_printf(w->b, "    \"%s\": ", key);
    aw_constant(w, o);
    buf_z(w->b, ",\n");
}

static void put_operator(Writer *w, const FlowTargetBody *b) {
    buf_z(w->b, "    \"body\": \"operator\",\n    \"operator\": ");
    py_string(w->b, b->text);
    buf_z(w->b, ",\n    \"arguments\": ");
    aw_arguments(w, b);
    buf_z(w->b, ",\n");
}

static void put_body(Writer *w, const FlowStep *s) {
    const Flow *f = w->f;
    buf_z(w->b, "    \"body\": ");
    if (s->body == BODY_EXEC) {
        buf_z(w->b, "\"exec\",\n    \"argv\": ");
        aw_argv(w, s);
        buf_z(w->b, ",\n");
        return;
    }
    py_string(w->b, atom_str(f->atoms, s->lang));
    buf_z(w->b, ",\n    \"code\": ");
    py_block(w->b, s->code);
    buf_printf(w->b, ",\n    \"file\": ");
    py_z(w->b, f->sources->file[s->span.file].path);
    buf_printf(w->b, ",\n    \"line\": %u,\n", s->code_line);
}

/* What the process of a step's code is given. */
static void put_process(Writer *w, const FlowStep *s) {
    const Flow *f = w->f;
    const FlowSetting *packages = flow_setting(f, s->settings, SET_PACKAGES), *python = flow_setting(f, s->settings, SET_PYTHON);
    if (packages != NULL) put_strings(w, "packages", packages->value);
    if (python != NULL) put_strings(w, "python", python->value);
    if (flow_setting(f, s->settings, SET_CODE) != NULL) buf_z(w->b, "    \"with_code\": True,\n");
    if (f->sources->file[s->span.file].embedded) buf_z(w->b, "    \"in_project\": True,\n");
}

static void put_step(Writer *w, uint32_t index) {
    const Flow *f = w->f;
    const FlowStep *s = &f->step.data[index];
    const FlowTargetBody *own = target_body(w->cx, index);
    buf_addc(w->b, '\n');
    emit_mark(w->out, s->span);
    buf_printf(w->b, "%s = {\n    \"step\": ", w->step_name[index]);
    py_string(w->b, atom_str(f->atoms, s->name));
    buf_z(w->b, ",\n");
    put_params(w, s, false);
    put_params(w, s, true);
    if (own != NULL) put_operator(w, own);
    else put_body(w, s);
    aw_limits(w, "    \"limits\": ", s->param, s->nparam, ",\n");
    if (own == NULL) put_process(w, s);
    buf_z(w->b, "}\n");
}

/* `fetch` of the main file is FETCH, that of std.http HTTP_FETCH. Names of the language have no `__`. */
static const char *constant_name(Writer *w, Atoms *taken, uint32_t index) {
    const FlowStep *s = &w->f->step.data[index];
    Buf name = BUF_INIT;
    if (s->module != 0) {
        Str module = atom_str(w->f->atoms, s->module), last = module;
        for (size_t i = 0; i < module.n; i++)
            if (module.p[i] == '.' || module.p[i] == '/') last = (Str){module.p + i + 1, module.n - i - 1};
        if (str_ends(module, STR(".wf"))) last = (Str){"lib", 3};
        buf_str(&name, last);
        if (last.n > 0) buf_addc(&name, '_');
    }
    buf_str(&name, atom_str(w->f->atoms, s->name));
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] >= 'a' && name.p[i] <= 'z') name.p[i] = (char)(name.p[i] - 'a' + 'A');
    if (atom_find(taken, buf_view(&name)) != 0) buf_printf(&name, "__%u", index);
    atom_of(taken, buf_view(&name));
    const char *z = arena_strndup(&w->arena, name.p, name.n);
    buf_free(&name);
    return z;
}

void aw_steps(Writer *w, const uint8_t *used) {
    Atoms taken;
    atoms_init(&taken);
    w->step_name = ARENA_ARRAY(&w->arena, const char *, w->f->step.len + 1);
    for (uint32_t i = 0; i < w->f->step.len; i++) {
        if (!used[i]) continue;
        w->step_name[i] = constant_name(w, &taken, i);
        put_step(w, i);
    }
    atoms_free(&taken);
}

void aw_limits(Writer *w, const char *before, uint32_t param, uint32_t n, const char *after) {
    Buf json = BUF_INIT;
    if (py_limits_json(&json, w->f, param, n)) {
        buf_z(w->b, before);
        py_json(w->b, buf_view(&json));
        buf_z(w->b, after);
    }
    buf_free(&json);
}

/* --- schemas --- */

static void schema(JsonOut *j, const Flow *f, TypeId t);

static void put_type(JsonOut *j, const char *name) {
    json_key(j, "type");
    json_z(j->b, name);
}

static void inner_schema(JsonOut *j, const char *key, const Flow *f, TypeId t) {
    json_key(j, key);
    JsonOut in = json_open(j->b, '{');
    schema(&in, f, t);
    json_close(&in);
}

static Str foreign_name(const Flow *f, const TypeField *x) { return atom_str(f->atoms, x->foreign != 0 ? x->foreign : x->name); }

static void enum_schema(JsonOut *j, const Flow *f, TypeId t, bool none) {
    uint32_t n;
    const TypeField *x = type_fields(f->types, t, &n);
    json_key(j, "enum");
    JsonOut list = json_open(j->b, '[');
    for (uint32_t i = 0; i < n; i++) {
        json_item(&list);
        json_string(j->b, foreign_name(f, &x[i]));
    }
    if (none) {
        json_item(&list);
        buf_z(j->b, "null");
    }
    json_close(&list);
}

static void fields_schema(JsonOut *j, const Flow *f, TypeId t) {
    uint32_t n;
    const TypeField *x = type_fields(f->types, t, &n);
    put_type(j, "object");
    json_key(j, "properties");
    JsonOut p = json_open(j->b, '{');
    for (uint32_t i = 0; i < n; i++) {
        json_key_str(&p, foreign_name(f, &x[i]));
        JsonOut in = json_open(j->b, '{');
        schema(&in, f, x[i].type);
        json_close(&in);
    }
    json_close(&p);
}

static void optional_schema(JsonOut *j, const Flow *f, TypeId inner) {
    if (type_kind(f->types, inner) == TY_ENUM) {
        enum_schema(j, f, inner, true);
        return;
    }
    json_key(j, "anyOf");
    JsonOut list = json_open(j->b, '[');
    json_item(&list);
    JsonOut one = json_open(j->b, '{');
    schema(&one, f, inner);
    json_close(&one);
    json_item(&list);
    buf_z(j->b, "{\"type\":\"null\"}");
    json_close(&list);
}

/* Airflow checks the outline; wf.decode, which each task calls, checks all. */
static void schema(JsonOut *j, const Flow *f, TypeId t) {
    switch (type_kind(f->types, t)) {
    case TY_BOOL: put_type(j, "boolean"); return;
    case TY_INT: put_type(j, "integer"); return;
    case TY_FLOAT: put_type(j, "number"); return;
    case TY_STRING: case TY_DURATION: case TY_SIZE: case TY_TIME: put_type(j, "string"); return;
    case TY_ENUM: enum_schema(j, f, t, false); return;
    case TY_STRUCT: case TY_RECORD: fields_schema(j, f, t); return;
    case TY_LIST:
        put_type(j, "array");
        inner_schema(j, "items", f, type_inner(f->types, t));
        return;
    case TY_MAP:
        put_type(j, "object");
        inner_schema(j, "additionalProperties", f, type_inner(f->types, t));
        return;
    case TY_OPT: optional_schema(j, f, type_inner(f->types, t)); return;
    case TY_SECRET:
        put_type(j, "string");
        json_key(j, "pattern");
        json_z(j->b, "^[a-z][a-z0-9_]*$");
        return;
    case TY_JSON: case TY_FILE: case TY_DIR: case TY_ARTIFACT: case TY_ERROR: case TY_NOTHING: case TY_NEVER: case TY_NONE:
    case TY_VAR: case TY_COUNT: return;
    }
}

void aw_schema(Buf *json, const Flow *f, TypeId t, Str doc) {
    JsonOut j = json_open(json, '{');
    schema(&j, f, t);
    if (doc.n > 0) {
        json_key(&j, "description");
        json_string(json, doc);
    }
    json_close(&j);
}
