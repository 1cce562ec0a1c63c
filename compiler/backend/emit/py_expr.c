#include "compiler/backend/emit/py_expr.h"

#include "base/json.h"
#include "base/units.h"
#include "compiler/backend/emit/py_out.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* --- types --- */

bool py_differs(const Flow *f, TypeId t) {
    switch (type_kind(f->types, t)) {
    case TY_DURATION: case TY_SIZE: case TY_TIME: return true;
    case TY_LIST: case TY_MAP: case TY_OPT: return py_differs(f, type_inner(f->types, t));
    case TY_ENUM: case TY_STRUCT: case TY_RECORD: {
        uint32_t n;
        const TypeField *x = type_fields(f->types, t, &n);
        for (uint32_t i = 0; i < n; i++)
            if ((x[i].foreign != 0 && x[i].foreign != x[i].name) || (type_kind(f->types, t) != TY_ENUM && py_differs(f, x[i].type))) return true;
        return false;
    }
    case TY_ERROR: case TY_NOTHING: case TY_NEVER: case TY_NONE: case TY_BOOL: case TY_INT: case TY_FLOAT: case TY_STRING:
    case TY_JSON: case TY_SECRET: case TY_DIR: case TY_FILE: case TY_ARTIFACT: case TY_VAR: case TY_COUNT: return false;
    }
    return false;
}

/* Whether equality and order of Python's own values is that of the language. */
static bool plain(const Flow *f, TypeId t) {
    switch (type_kind(f->types, t)) {
    case TY_JSON: case TY_FILE: case TY_DIR: case TY_ARTIFACT: return false;
    case TY_LIST: case TY_MAP: case TY_OPT: return plain(f, type_inner(f->types, t));
    case TY_STRUCT: case TY_RECORD: {
        uint32_t n;
        const TypeField *x = type_fields(f->types, t, &n);
        for (uint32_t i = 0; i < n; i++)
            if (!plain(f, x[i].type)) return false;
        return true;
    }
    case TY_ERROR: case TY_NOTHING: case TY_NEVER: case TY_NONE: case TY_BOOL: case TY_INT: case TY_FLOAT: case TY_STRING:
    case TY_DURATION: case TY_SIZE: case TY_TIME: case TY_SECRET: case TY_ENUM: case TY_VAR: case TY_COUNT: return true;
    }
    return true;
}

static void type_field_json(Buf *out, const Flow *f, TypeId owner, uint32_t i) {
    uint32_t n;
    const TypeField *x = &type_fields(f->types, owner, &n)[i];
    JsonOut j = json_open(out, '[');
    json_item(&j);
    json_string(out, atom_str(f->atoms, x->name));
    json_item(&j);
    json_string(out, atom_str(f->atoms, x->foreign != 0 ? x->foreign : x->name));
    if (type_kind(f->types, owner) != TY_ENUM) {
        json_item(&j);
        py_type_json(out, f, x->type);
    }
    for (uint32_t k = 0; k < f->fallback.len; k++) {
        const FlowDefault *d = &f->fallback.data[k];
        if (d->type != owner || d->field != i || opnd_tag(d->value) != OPND_CONST) continue;
        json_item(&j);
        const_json(out, f, &f->constant.data[opnd_index(d->value)]);
    }
    json_close(&j);
}

void py_type_json(Buf *out, const Flow *f, TypeId t) {
    static const char *const names[TY_COUNT] = {[TY_NOTHING] = "nothing", [TY_BOOL] = "bool", [TY_INT] = "int", [TY_FLOAT] = "float",
        [TY_STRING] = "string", [TY_DURATION] = "duration", [TY_SIZE] = "size", [TY_TIME] = "time", [TY_JSON] = "json",
        [TY_SECRET] = "secret", [TY_DIR] = "dir", [TY_FILE] = "file", [TY_ENUM] = "enum", [TY_STRUCT] = "struct",
        [TY_RECORD] = "struct", [TY_LIST] = "list", [TY_MAP] = "map", [TY_OPT] = "opt", [TY_NONE] = "nothing", [TY_NEVER] = "nothing"};
    TypeId base = type_file_base(f->types, t);
    TypeKind k = type_kind(f->types, base);
    JsonOut j = json_open(out, '[');
    json_item(&j);
    json_z(out, names[k] != NULL ? names[k] : "nothing");
    if (k == TY_FILE) {
        json_item(&j);
        json_string(out, atom_str(f->atoms, type_at(f->types, base)->a));
    }
    if (k == TY_LIST || k == TY_MAP || k == TY_OPT) {
        json_item(&j);
        py_type_json(out, f, type_inner(f->types, base));
    }
    uint32_t n = 0;
    if (k == TY_STRUCT || k == TY_RECORD || k == TY_ENUM || (k == TY_FILE && type_at(f->types, base)->n > 0)) {
        type_fields(f->types, base, &n);
        if (k != TY_FILE) {
            json_item(&j);
            json_string(out, k == TY_RECORD ? STR("record") : atom_str(f->atoms, type_def(f->types, base)->name));
        }
        json_item(&j);
        JsonOut fields = json_open(out, '[');
        for (uint32_t i = 0; i < n; i++) {
            json_item(&fields);
            type_field_json(out, f, base, i);
        }
        json_close(&fields);
    }
    json_close(&j);
}

void py_type(Buf *out, const Flow *f, TypeId t) {
    Buf json = BUF_INIT;
    py_type_json(&json, f, t);
    py_json(out, buf_view(&json));
    buf_free(&json);
}

static void put_type(PyExpr *e, TypeId t) {
    if (e->type != NULL) e->type(e, t);
    else py_type(e->out, e->flow, t);
}

/* The type for functions that compare, None where Python's own comparison serves. */
static void put_compared(PyExpr *e, TypeId t) {
    if (plain(e->flow, t)) buf_z(e->out, "None");
    else put_type(e, t);
}

/* --- constants --- */

void const_json(Buf *out, const Flow *f, const FlowConst *c) {
    TypeKind k = type_kind(f->types, c->type);
    switch (c->kind) {
    case CONST_NONE: buf_z(out, "null"); return;
    case CONST_BOOL: json_bool(out, c->i != 0); return;
    case CONST_FLOAT: json_double(out, c->f); return;
    case CONST_INT:
        if (k == TY_INT) {
            json_int(out, c->i);
            return;
        }
        buf_addc(out, '"');
        if (k == TY_SIZE) put_size(out, c->i);
        else put_duration(out, c->i);
        buf_addc(out, '"');
        return;
    case CONST_STRING:
        if (k == TY_JSON) {
            buf_str(out, c->s);
            return;
        }
        if (k == TY_SECRET) {
            JsonOut j = json_open(out, '{');
            json_key(&j, "secret");
            json_string(out, c->s);
            json_close(&j);
            return;
        }
        json_string(out, c->s);
        return;
    case CONST_ENUM: {
        uint32_t n;
        const TypeField *x = &type_fields(f->types, c->type, &n)[c->i];
        json_string(out, atom_str(f->atoms, x->foreign != 0 ? x->foreign : x->name));
        return;
    }
    }
}

/* A constant as expressions see it. */
static void put_const(PyExpr *e, const FlowConst *c) {
    uint32_t n;
    switch (c->kind) {
    case CONST_NONE: buf_z(e->out, "None"); return;
    case CONST_BOOL: buf_z(e->out, c->i ? "True" : "False"); return;
    case CONST_INT: buf_printf(e->out, "%" PRId64, c->i); return;
    case CONST_FLOAT: json_double(e->out, c->f); return;
    case CONST_ENUM: py_string(e->out, atom_str(e->flow->atoms, type_fields(e->flow->types, c->type, &n)[c->i].name)); return;
    case CONST_STRING: {
        TypeKind k = type_kind(e->flow->types, c->type);
        if (k == TY_STRING) {
            py_string(e->out, c->s);
            return;
        }
        Buf json = BUF_INIT;
        const_json(&json, e->flow, c);
        py_json(e->out, buf_view(&json));
        buf_free(&json);
        return;
    }
    }
}

/* --- limits --- */

static void put_bound(Buf *out, double v) {
    if (isfinite(v)) json_double(out, v);
    else buf_z(out, "null");
}

bool py_limits_json(Buf *out, const Flow *f, uint32_t first, uint32_t n) {
    bool some = false;
    JsonOut j = {0};
    for (uint32_t i = first; i < first + n; i++) {
        const FlowParam *p = &f->param.data[i];
        if (!p->ranged && p->pattern.p == NULL) continue;
        if (!some) j = json_open(out, '{');
        some = true;
        json_key_str(&j, atom_str(f->atoms, p->name));
        JsonOut row = json_open(out, '[');
        json_item(&row);
        put_bound(out, p->ranged ? p->low : INFINITY);
        json_item(&row);
        put_bound(out, p->ranged ? p->high : INFINITY);
        json_item(&row);
        if (p->pattern.p != NULL) json_string(out, p->pattern);
        else buf_z(out, "null");
        json_close(&row);
    }
    if (some) json_close(&j);
    return some;
}

/* --- names --- */

/* Names of the language that mean something else in the text we write get a final `_`, which no name of the language has. */
static void put_name(Buf *out, Str name) {
    static const char *const taken[] = {"and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
        "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass",
        "raise", "return", "try", "while", "with", "yield", "wf", "math", "abs", "enumerate", "float", "int", "len", "list", "max",
        "min", "round", "sorted", "sum", "any", "all", "next", "str", "match", "case", "type", "print"};
    buf_str(out, name);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (str_is(name, taken[i])) buf_addc(out, '_');
}

static void put_fn_name(PyExpr *e, uint32_t fn) {
    if (e->fn_name != NULL) {
        e->fn_name(e, fn);
        return;
    }
    const FlowFn *x = &e->flow->fn.data[fn];
    put_name(e->out, atom_str(e->flow->atoms, x->name));
    if (x->module != 0) buf_printf(e->out, "__%u", fn); /* functions of other files may be called alike */
}

/* --- locals --- */

static void set_local(PyExpr *e, uint32_t number, TypeId t) {
    while (e->local.len <= number) vec_push(&e->local, T_ERROR);
    e->local.data[number] = t;
}

static bool uses_local(const Flow *f, Opnd o, uint32_t number) {
    if (opnd_tag(o) == OPND_LOCAL) return opnd_index(o) == number;
    if (opnd_tag(o) != OPND_EXPR) return false;
    const FlowExpr *x = &f->expr.data[opnd_index(o)];
    for (uint16_t i = 0; i < x->n; i++)
        if (uses_local(f, flow_opnds(f, x->a)[i], number)) return true;
    return false;
}

TypeId py_type_of(const PyExpr *e, Opnd o) {
    const Flow *f = e->flow;
    uint32_t i = opnd_index(o);
    switch (opnd_tag(o)) {
    case OPND_NONE: return T_NOTHING;
    case OPND_CONST: return f->constant.data[i].type;
    case OPND_NODE: return f->node.data[i].type;
    case OPND_INPUT:
        if (e->fn != NULL) return f->param.data[e->fn->param + i].type;
        if (e->step != NULL) return i < e->step->nparam ? f->param.data[e->step->param + i].type : e->beyond;
        return f->input.data[f->region.data[e->region].input + i].type;
    case OPND_EXPR: return f->expr.data[i].type;
    case OPND_LOCAL: return i < e->local.len ? e->local.data[i] : T_ERROR;
    case OPND_FACT: return flow_fact_type(f, (FlowFact)i);
    }
    return T_ERROR;
}

/* --- operations --- */

/* `for v1 in xs` or, where the index is used, `for v0, v1 in enumerate(xs)`. */
static void put_loop(PyExpr *e, const FlowExpr *x, const Opnd *o, Opnd second, const Opnd *users, int nusers) {
    const Flow *f = e->flow;
    bool index = false;
    for (int i = 0; i < nusers; i++) index = index || uses_local(f, users[i], x->b);
    buf_z(e->out, " for ");
    if (index) buf_printf(e->out, "v%u, ", x->b);
    if (second != OPND_ABSENT) buf_printf(e->out, index ? "(v%u, v%u)" : "v%u, v%u", x->b + 1, x->b + 2);
    else buf_printf(e->out, "v%u", x->b + 1);
    buf_z(e->out, index ? " in enumerate(" : " in ");
    if (second != OPND_ABSENT) {
        buf_z(e->out, "wf.pairs(");
        py_expr(e, o[0]);
        buf_z(e->out, ", ");
        py_expr(e, second);
        buf_addc(e->out, ')');
    } else {
        py_expr(e, o[0]);
    }
    if (index) buf_addc(e->out, ')');
}

static TypeId element(const PyExpr *e, Opnd source) {
    TypeId t = py_type_of(e, source);
    return type_kind(e->flow->types, t) == TY_LIST ? type_inner(e->flow->types, t) : T_ERROR;
}

static void open_loop(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    set_local(e, x->b, T_INT);
    set_local(e, x->b + 1, element(e, o[0]));
}

static void put_for(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    open_loop(e, x, o);
    if (o[1] != OPND_ABSENT) set_local(e, x->b + 2, element(e, o[1]));
    Opnd users[2] = {o[2], o[3]};
    buf_addc(e->out, '[');
    py_expr(e, o[3]);
    put_loop(e, x, o, o[1], users, 2);
    if (o[2] != OPND_ABSENT) {
        buf_z(e->out, " if ");
        py_expr(e, o[2]);
    }
    buf_addc(e->out, ']');
}

static void put_search(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    open_loop(e, x, o);
    if (x->op == FLOW_FIND) {
        buf_printf(e->out, "next((v%u", x->b + 1);
        put_loop(e, x, o, OPND_ABSENT, o + 1, 1);
        buf_z(e->out, " if ");
        py_expr(e, o[1]);
        buf_z(e->out, "), None)");
        return;
    }
    buf_z(e->out, x->op == FLOW_ANY ? "any(" : "all(");
    py_expr(e, o[1]);
    put_loop(e, x, o, OPND_ABSENT, o + 1, 1);
    buf_addc(e->out, ')');
}

/* wf.NAME(xs, lambda v0, v1: key, ...): index and element of each. */
static void put_keyed(PyExpr *e, const FlowExpr *x, const Opnd *o, const char *name, Opnd key, Opnd flag) {
    buf_printf(e->out, "wf.%s(", name);
    py_expr(e, o[0]);
    open_loop(e, x, o);
    buf_printf(e->out, ", lambda v%u, v%u: ", x->b, x->b + 1);
    py_expr(e, key);
    if (flag != OPND_ABSENT) {
        buf_z(e->out, ", ");
        py_expr(e, flag);
    }
    if (x->op == FLOW_GROUP_BY) {
        buf_z(e->out, ", ");
        put_compared(e, py_type_of(e, key));
    }
    buf_addc(e->out, ')');
}

static void put_fold(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    buf_z(e->out, "wf.fold(");
    py_expr(e, o[0]);
    buf_z(e->out, ", ");
    py_expr(e, o[1]);
    open_loop(e, x, o);
    set_local(e, x->b + 2, x->type);
    buf_printf(e->out, ", lambda v%u, v%u, v%u: ", x->b, x->b + 1, x->b + 2);
    py_expr(e, o[2]);
    buf_addc(e->out, ')');
}

static void put_repeat(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    buf_z(e->out, "wf.repeat(");
    py_expr(e, o[0]);
    buf_z(e->out, ", ");
    py_expr(e, o[1]);
    set_local(e, x->b, x->type);
    for (int i = 2; i < 4; i++) {
        buf_printf(e->out, ", lambda v%u: ", x->b);
        py_expr(e, o[i]);
    }
    buf_addc(e->out, ')');
}

static void put_let(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    buf_printf(e->out, "(lambda v%u: ", x->b);
    TypeId t = py_type_of(e, o[0]);
    set_local(e, x->b, t);
    py_expr(e, o[1]);
    buf_z(e->out, ")(");
    py_expr(e, o[0]);
    buf_addc(e->out, ')');
}

static void put_cmp(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    static const char *const text[] = {[CMP_EQ] = "==", [CMP_NE] = "!=", [CMP_LT] = "<", [CMP_LE] = "<=", [CMP_GT] = ">", [CMP_GE] = ">="};
    TypeId t = py_type_of(e, o[0]);
    bool keyed = !plain(e->flow, t);
    buf_addc(e->out, '(');
    for (int i = 0; i < 2; i++) {
        if (i == 1) buf_printf(e->out, " %s ", text[x->cmp]);
        if (keyed) {
            buf_z(e->out, "wf.key(");
            put_type(e, t);
            buf_z(e->out, ", ");
        }
        py_expr(e, o[i]);
        if (keyed) buf_addc(e->out, ')');
    }
    buf_addc(e->out, ')');
}

static void put_record(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    uint32_t n;
    const TypeField *field = type_fields(e->flow->types, x->type, &n);
    buf_addc(e->out, '{');
    for (uint16_t i = 0; i < x->n; i++) {
        if (i > 0) buf_z(e->out, ", ");
        py_string(e->out, atom_str(e->flow->atoms, field[i].name));
        buf_z(e->out, ": ");
        py_expr(e, o[i]);
    }
    buf_addc(e->out, '}');
}

static void put_field(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    uint32_t n;
    py_expr(e, o[0]);
    buf_addc(e->out, '[');
    py_string(e->out, atom_str(e->flow->atoms, type_fields(e->flow->types, py_type_of(e, o[0]), &n)[x->b].name));
    buf_addc(e->out, ']');
}

static void put_commas(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    for (uint16_t i = 0; i < x->n; i++) {
        if (i > 0) buf_z(e->out, ", ");
        py_expr(e, o[i]);
    }
}

static void put_map(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    buf_z(e->out, "wf.map_of([");
    for (uint16_t i = 0; i + 1 < x->n; i += 2) {
        buf_z(e->out, i > 0 ? ", (" : "(");
        py_expr(e, o[i]);
        buf_z(e->out, ", ");
        py_expr(e, o[i + 1]);
        buf_addc(e->out, ')');
    }
    buf_z(e->out, "])");
}

static void put_text(PyExpr *e, Opnd o) {
    TypeId t = py_type_of(e, o);
    TypeKind k = type_kind(e->flow->types, t);
    if (k == TY_STRING || k == TY_ENUM) {
        py_expr(e, o);
        return;
    }
    if (k == TY_INT || k == TY_FLOAT) {
        buf_z(e->out, k == TY_INT ? "str(" : "repr(");
    } else {
        buf_z(e->out, "wf.text(");
        put_type(e, t);
        buf_z(e->out, ", ");
    }
    py_expr(e, o);
    buf_addc(e->out, ')');
}

static void put_concat(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    if (x->n == 0) buf_z(e->out, "\"\"");
    if (x->n > 1) buf_addc(e->out, '(');
    for (uint16_t i = 0; i < x->n; i++) {
        if (i > 0) buf_z(e->out, " + ");
        py_expr(e, o[i]);
    }
    if (x->n > 1) buf_addc(e->out, ')');
}

static void put_decode(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    buf_z(e->out, "wf.decode(");
    put_type(e, x->type);
    buf_z(e->out, ", ");
    py_expr(e, o[0]);
    buf_addc(e->out, ')');
}

/* Representations differ only between json and its text. */
static void put_cast(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    bool text = x->type == T_STRING && py_type_of(e, o[0]) == T_JSON;
    if (text) buf_z(e->out, "wf.json_text(");
    py_expr(e, o[0]);
    if (text) buf_addc(e->out, ')');
}

static void put_call(PyExpr *e, const FlowExpr *x, const Opnd *o) {
    put_fn_name(e, x->b);
    buf_addc(e->out, '(');
    put_commas(e, x, o);
    buf_addc(e->out, ')');
}

/* A row of the table with its operands put in. */
static void put_template(PyExpr *e, const char *t, const FlowExpr *x, const Opnd *o) {
    for (; *t != '\0'; t++) {
        if (*t != '$') {
            buf_addc(e->out, *t);
            continue;
        }
        t++;
        if (*t == 'T') put_compared(e, py_type_of(e, o[*++t - '0']));
        else if (*t == 'E') put_compared(e, element(e, o[*++t - '0']));
        else if (*t == 'R') put_type(e, x->type);
        else py_expr(e, o[*t - '0']);
    }
}

static void put_expr(PyExpr *e, ExprId id) {
    const FlowExpr *x = &e->flow->expr.data[id];
    const Opnd *o = flow_opnds(e->flow, x->a);
    const char *row = lowering_of(x);
    if (strcmp(row, "*") != 0) {
        put_template(e, row, x, o);
        return;
    }
    switch ((int)x->op) {
    case FLOW_CMP: put_cmp(e, x, o); return;
    case FLOW_RECORD: put_record(e, x, o); return;
    case FLOW_FIELD: put_field(e, x, o); return;
    case FLOW_LIST:
        buf_addc(e->out, '[');
        put_commas(e, x, o);
        buf_addc(e->out, ']');
        return;
    case FLOW_MAP: put_map(e, x, o); return;
    case FLOW_TEXT: put_text(e, o[0]); return;
    case FLOW_CONCAT: put_concat(e, x, o); return;
    case FLOW_ENCODE: py_encoded(e, py_type_of(e, o[0]), o[0]); return;
    case FLOW_CAST: put_cast(e, x, o); return;
    case FLOW_DECODE: put_decode(e, x, o); return;
    case FLOW_LET: put_let(e, x, o); return;
    case FLOW_FOR: put_for(e, x, o); return;
    case FLOW_ANY: case FLOW_ALL: case FLOW_FIND: put_search(e, x, o); return;
    case FLOW_MIN_BY: put_keyed(e, x, o, "min_by", o[1], OPND_ABSENT); return;
    case FLOW_MAX_BY: put_keyed(e, x, o, "max_by", o[1], OPND_ABSENT); return;
    case FLOW_SORT_BY: put_keyed(e, x, o, "sort_by", o[2], o[1]); return;
    case FLOW_GROUP_BY: put_keyed(e, x, o, "group_by", o[1], OPND_ABSENT); return;
    case FLOW_FOLD: put_fold(e, x, o); return;
    case FLOW_REPEAT: put_repeat(e, x, o); return;
    case FLOW_CALL: put_call(e, x, o); return;
    default: return;
    }
}

void py_expr(PyExpr *e, Opnd o) {
    switch (opnd_tag(o)) {
    case OPND_NONE: buf_z(e->out, "None"); return;
    case OPND_CONST: put_const(e, &e->flow->constant.data[opnd_index(o)]); return;
    case OPND_EXPR: put_expr(e, opnd_index(o)); return;
    case OPND_LOCAL: buf_printf(e->out, "v%u", opnd_index(o)); return;
    case OPND_INPUT:
        if (e->fn != NULL) {
            put_name(e->out, atom_str(e->flow->atoms, e->flow->param.data[e->fn->param + opnd_index(o)].name));
            return;
        }
        e->leaf(e, o);
        return;
    case OPND_NODE: case OPND_FACT: e->leaf(e, o); return;
    }
}

void py_done(PyExpr *e) { vec_free(&e->local); }

void py_decoded(PyExpr *e, TypeId t, const char *text) {
    if (!py_differs(e->flow, t)) {
        buf_z(e->out, text);
        return;
    }
    buf_z(e->out, "wf.decode(");
    put_type(e, t);
    buf_printf(e->out, ", %s)", text);
}

void py_encoded(PyExpr *e, TypeId t, Opnd o) {
    bool differs = py_differs(e->flow, t);
    if (differs) {
        buf_z(e->out, "wf.encode(");
        put_type(e, t);
        buf_z(e->out, ", ");
    }
    py_expr(e, o);
    if (differs) buf_addc(e->out, ')');
}

void py_argv(PyExpr *e) {
    const FlowStep *s = e->step;
    buf_addc(e->out, '[');
    for (uint32_t i = 0; i < s->nargv; i++) {
        Opnd o = e->flow->opnd.data[s->argv + i];
        TypeId t = py_type_of(e, o);
        if (i > 0) buf_z(e->out, ", ");
        if (type_kind(e->flow->types, t) == TY_STRING) {
            py_expr(e, o);
            continue;
        }
        buf_z(e->out, "*wf.arg(");
        put_type(e, t);
        buf_z(e->out, ", ");
        py_expr(e, o);
        buf_addc(e->out, ')');
    }
    buf_addc(e->out, ']');
}

/* --- functions --- */

void py_fn(PyExpr *e, uint32_t fn, int indent) {
    const FlowFn *x = &e->flow->fn.data[fn];
    buf_pad(e->out, ' ', (size_t)indent);
    buf_z(e->out, "def ");
    put_fn_name(e, fn);
    buf_addc(e->out, '(');
    for (uint32_t i = 0; i < x->nparam; i++) {
        if (i > 0) buf_z(e->out, ", ");
        put_name(e->out, atom_str(e->flow->atoms, e->flow->param.data[x->param + i].name));
    }
    buf_z(e->out, "):\n");
    buf_pad(e->out, ' ', (size_t)indent + 4);
    buf_z(e->out, "return ");
    const FlowFn *around = e->fn;
    e->fn = x;
    py_expr(e, x->body);
    e->fn = around;
    buf_addc(e->out, '\n');
}

void py_fns_used(const Flow *f, Opnd o, uint8_t *used) {
    if (opnd_tag(o) != OPND_EXPR) return;
    const FlowExpr *x = &f->expr.data[opnd_index(o)];
    if (x->op == FLOW_CALL && !used[x->b]) {
        used[x->b] = 1;
        py_fns_used(f, f->fn.data[x->b].body, used);
    }
    for (uint16_t i = 0; i < x->n; i++) py_fns_used(f, flow_opnds(f, x->a)[i], used);
}

void py_compute(Buf *json, PyExpr *e, Opnd o, const PyInput *inputs, uint32_t n, const uint8_t *fns) {
    const Flow *f = e->flow;
    Buf *around = e->out, text = BUF_INIT;
    uint8_t *used = wf_alloc_zero(f->fn.len + 1);
    e->out = &text;
    JsonOut j = json_open(json, '{');
    json_key(&j, "inputs");
    JsonOut list = json_open(json, '[');
    for (uint32_t i = 0; i < n; i++) {
        json_item(&list);
        JsonOut input = json_open(json, '[');
        json_item(&input);
        json_z(json, inputs[i].name);
        json_item(&input);
        py_type_json(json, f, inputs[i].type);
        json_close(&input);
    }
    json_close(&list);
    py_fns_used(f, o, used);
    for (uint32_t i = 0; i < f->fn.len; i++)
        if (used[i] || (fns != NULL && fns[i])) py_fn(e, i, 0);
    json_key(&j, "functions");
    json_string(json, buf_view(&text));
    buf_clear(&text);
    py_expr(e, o);
    json_key(&j, "result");
    json_string(json, buf_view(&text));
    json_key(&j, "type");
    py_type_json(json, f, py_type_of(e, o));
    json_close(&j);
    e->out = around;
    buf_free(&text);
    free(used);
}
