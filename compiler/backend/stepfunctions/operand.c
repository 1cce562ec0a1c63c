/* Operands as JSONPath, payload templates, rules of Choice and Python. */
#include "compiler/backend/stepfunctions/asl.h"

#include <math.h>
#include <stdlib.h>

void asl_resolve(const Asl *a, const Scope **s, Opnd *o) {
    const Flow *f = a->flow;
    for (;;) {
        if (opnd_tag(*o) == OPND_INPUT) {
            const FlowRegion *r = &f->region.data[(*s)->region];
            const FlowInput *in = &f->input.data[r->input + opnd_index(*o)];
            if (in->from != OPND_ABSENT && r->kind != REGION_ITEM) {
                *o = in->from;
                *s = (*s)->up;
            } else if (r->kind == REGION_BODY && (*s)->up != NULL) {
                if (asl_argument_computed(a, (*s)->up, (*s)->call, opnd_index(*o))) return;
                *o = flow_opnds(f, f->node.data[(*s)->call].arg)[opnd_index(*o)];
                *s = (*s)->up;
            } else {
                return;
            }
        } else if (opnd_tag(*o) == OPND_NODE && f->node.data[opnd_index(*o)].kind == NODE_LET &&
                   !asl_stands(a, *s, opnd_index(*o))) {
            *o = flow_opnds(f, f->node.data[opnd_index(*o)].arg)[0];
        } else {
            return;
        }
    }
}

TypeId asl_type(const Asl *a, const Scope *s, Opnd o) {
    const Flow *f = a->flow;
    uint32_t i = opnd_index(o);
    switch (opnd_tag(o)) {
    case OPND_CONST: return f->constant.data[i].type;
    case OPND_NODE: return f->node.data[i].type;
    case OPND_INPUT: return f->input.data[f->region.data[s->region].input + i].type;
    case OPND_EXPR: return f->expr.data[i].type;
    case OPND_FACT: return flow_fact_type(f, (FlowFact)i);
    case OPND_NONE: case OPND_LOCAL: break;
    }
    return T_ERROR;
}

/* --- paths --- */

const char *asl_input_name(const Asl *a, const FlowRegion *r, uint32_t i) {
    const FlowInput *in = a->flow->input.data + r->input;
    const char *name = atom_cstr(a->flow->atoms, in[i].name);
    for (uint32_t k = 0; k < i; k++)
        if (in[k].name == in[i].name && in[k].from != OPND_ABSENT) return arena_printf((Arena *)&a->arena, "%s__%u", name, i);
    return name;
}

static void input_path(const Asl *a, const Scope *s, uint32_t i, Buf *out) {
    static const char *const item[] = {"index", "item", "second"};
    const FlowRegion *r = &a->flow->region.data[s->region];
    bool captured = a->flow->input.data[r->input + i].from != OPND_ABSENT;
    switch (r->kind) {
    case REGION_ITEM:
        if (!captured) {
            buf_printf(out, "$.c.%s", item[i]);
            return;
        }
        break;
    case REGION_BODY:
        if (s->up != NULL) {
            buf_printf(out, "$.v.%s%s__in__.o.value", s->key, atom_cstr(a->flow->atoms, a->flow->input.data[r->input + i].name));
            return;
        }
        break;
    case REGION_PASS: buf_printf(out, "$.v.%s.o.value", asl_node_key(a, s->up, r->owner)); return;
    case REGION_CAUGHT: buf_printf(out, "$.v.%s__caught__", asl_node_key(a, s->up, r->owner)); return;
    case REGION_HANDLER: buf_printf(out, "$.v.%s.first", s->end); return;
    case REGION_ARM: case REGION_TRIED: break;
    }
    buf_printf(out, "$.c.in.%s", asl_input_name(a, r, i));
}

static bool fact_path(const Scope *s, FlowFact fact, Buf *out) {
    for (; s->end == NULL && fact >= FACT_RUN_STATUS && s->up != NULL;) s = s->up;
    switch (fact) {
    case FACT_RUN_ID: buf_z(out, "$.c.run.id"); return true;
    case FACT_RUN_TIME: buf_z(out, "$.c.run.time"); return true;
    case FACT_RUN_SCHEDULED_AT: buf_z(out, "$.c.run.scheduled_at"); return true;
    case FACT_RUN_PARAMS: buf_z(out, "$.c.run.params"); return true;
    case FACT_RUN_STATUS: buf_printf(out, "$.v.%s.status", s->end); return true;
    case FACT_RUN_DURATION: buf_printf(out, "$.v.%s.duration", s->end); return true;
    case FACT_RUN_FAILURES: buf_printf(out, "$.v.%s.failures", s->end); return true;
    case FACT_COUNT: break;
    }
    return false;
}

/* Names that a path can hold after a dot. */
static bool word(Str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (i > 0 && c >= '0' && c <= '9'))) return false;
    }
    return s.n > 0;
}

static Str foreign(const Asl *a, TypeId t, uint32_t field) {
    uint32_t n;
    const TypeField *x = &type_fields(a->flow->types, t, &n)[field];
    return atom_str(a->flow->atoms, x->foreign != 0 ? x->foreign : x->name);
}

/* Whether an operation leaves the JSON of its operand as it is. */
static bool keeps_json(const Asl *a, const FlowExpr *x) {
    switch ((int)x->op) {
    case FLOW_UNWRAP: case FLOW_SOME: case FLOW_ENCODE: case FLOW_INT_TO_FLOAT: return true;
    case FLOW_CAST: return !py_differs(a->flow, x->type);
    default: return false;
    }
}

bool asl_path(const Asl *a, const Scope *s, Opnd o, Buf *out) {
    const Flow *f = a->flow;
    asl_resolve(a, &s, &o);
    uint32_t i = opnd_index(o);
    switch (opnd_tag(o)) {
    case OPND_NODE: buf_printf(out, "$.v.%s.o.value", asl_node_key(a, s, i)); return true;
    case OPND_INPUT: input_path(a, s, i, out); return true;
    case OPND_FACT: return fact_path(s, (FlowFact)i, out);
    case OPND_EXPR: {
        const FlowExpr *x = &f->expr.data[i];
        Opnd inner = x->n > 0 ? flow_opnds(f, x->a)[0] : OPND_ABSENT;
        if (x->op == FLOW_FIELD) {
            Str name = foreign(a, asl_type(a, s, inner), x->b);
            if (!word(name) || !asl_path(a, s, inner, out)) return false;
            buf_printf(out, ".%.*s", STR_ARG(name));
            return true;
        }
        return keeps_json(a, x) && asl_path(a, s, inner, out);
    }
    case OPND_NONE: case OPND_CONST: case OPND_LOCAL: return false;
    }
    return false;
}

/* --- payload templates --- */

void asl_string(Buf *out, Str s) {
    Buf json = BUF_INIT;
    json_string(&json, s);
    for (size_t i = 0; i < json.n; i++) {
        if (json.p[i] == '$' && i + 1 < json.n && json.p[i + 1] == '{') buf_z(out, "\\u0024");
        else buf_addc(out, json.p[i]);
    }
    buf_free(&json);
}

static const FlowConst *constant(const Asl *a, Opnd o) {
    return opnd_tag(o) == OPND_CONST ? &a->flow->constant.data[opnd_index(o)] : NULL;
}

/* A constant as JSON that a template holds unchanged; false for an int that is not a double, and for keys that it would
   evaluate. */
static bool literal(const Asl *a, const FlowConst *c, Buf *out) {
    if (c->kind == CONST_INT && (c->i > (INT64_C(1) << 53) || c->i < -(INT64_C(1) << 53))) return false;
    Buf json = BUF_INIT;
    const_json(&json, a->flow, c);
    bool evaluated = c->kind == CONST_STRING && type_kind(a->flow->types, c->type) == TY_JSON &&
        strstr(buf_cstr(&json), ".$\"") != NULL;
    for (size_t i = 0; !evaluated && i < json.n; i++) {
        if (json.p[i] == '$' && i + 1 < json.n && json.p[i + 1] == '{') buf_z(out, "\\u0024");
        else buf_addc(out, json.p[i]);
    }
    buf_free(&json);
    return !evaluated;
}

static void put_key(JsonOut *j, const char *key, bool path) {
    Buf k = BUF_INIT;
    buf_printf(&k, "%s%s", key, path ? ".$" : "");
    json_key(j, buf_cstr(&k));
    buf_free(&k);
}

static bool list_field(const Asl *a, const Scope *s, const FlowExpr *x, Buf *text) {
    bool constants = true, paths = x->n > 0;
    for (uint16_t i = 0; i < x->n; i++) {
        const Scope *at = s;
        Opnd o = flow_opnds(a->flow, x->a)[i];
        asl_resolve(a, &at, &o);
        Buf one = BUF_INIT;
        constants = constants && opnd_tag(o) == OPND_CONST && literal(a, constant(a, o), &one);
        buf_clear(&one);
        paths = paths && asl_path(a, at, o, &one);
        buf_free(&one);
    }
    if (!constants && !paths) return false;
    buf_z(text, constants ? "[" : "\"States.Array(");
    for (uint16_t i = 0; i < x->n; i++) {
        const Scope *at = s;
        Opnd o = flow_opnds(a->flow, x->a)[i];
        asl_resolve(a, &at, &o);
        if (i > 0) buf_z(text, constants ? "," : ", ");
        if (constants) literal(a, constant(a, o), text);
        else asl_path(a, at, o, text);
    }
    buf_z(text, constants ? "]" : ")\"");
    return true;
}

static bool record_field(const Asl *a, const Scope *s, const FlowExpr *x, JsonOut *j, const char *key);

/* j NULL: only tells. */
static bool put_field(const Asl *a, const Scope *s, JsonOut *j, const char *key, Opnd o) {
    asl_resolve(a, &s, &o);
    Buf text = BUF_INIT;
    bool path = false, ok = false, done = false;
    const FlowExpr *x = opnd_tag(o) == OPND_EXPR ? &a->flow->expr.data[opnd_index(o)] : NULL;
    if (opnd_tag(o) == OPND_CONST) {
        ok = literal(a, constant(a, o), &text);
    } else if (opnd_tag(o) == OPND_NONE) {
        buf_z(&text, "null");
        ok = true;
    } else {
        Buf p = BUF_INIT;
        ok = path = asl_path(a, s, o, &p);
        if (ok) buf_printf(&text, "\"%s\"", buf_cstr(&p));
        buf_free(&p);
        if (!ok && x != NULL && x->op == FLOW_RECORD) ok = done = record_field(a, s, x, j, key);
        else if (!ok && x != NULL && x->op == FLOW_LIST) path = (ok = list_field(a, s, x, &text)) && text.p[0] == '"';
        else if (!ok && x != NULL && keeps_json(a, x)) ok = done = put_field(a, s, j, key, flow_opnds(a->flow, x->a)[0]);
    }
    if (ok && !done && j != NULL) {
        put_key(j, key, path);
        buf_str(j->b, buf_view(&text));
    }
    buf_free(&text);
    return ok;
}

static bool record_field(const Asl *a, const Scope *s, const FlowExpr *x, JsonOut *j, const char *key) {
    for (uint16_t i = 0; i < x->n; i++)
        if (!word(foreign(a, x->type, i)) || !put_field(a, s, NULL, "", flow_opnds(a->flow, x->a)[i])) return false;
    if (j == NULL) return true;
    put_key(j, key, false);
    JsonOut inner = json_open(j->b, '{');
    for (uint16_t i = 0; i < x->n; i++) {
        Str name = foreign(a, x->type, i);
        Buf k = BUF_INIT;
        buf_str(&k, name);
        put_field(a, s, &inner, buf_cstr(&k), flow_opnds(a->flow, x->a)[i]);
        buf_free(&k);
    }
    json_close(&inner);
    return true;
}

bool asl_simple(const Asl *a, const Scope *s, Opnd o) { return put_field(a, s, NULL, "", o); }
bool asl_field(const Asl *a, const Scope *s, JsonOut *j, const char *key, Opnd o) { return put_field(a, s, j, key, o); }

/* --- rules --- */

static bool plural(const Asl *a, const Scope *s, const FlowExpr *x, const char *name, Buf *out) {
    buf_printf(out, "\"%s\":[", name);
    for (uint16_t i = 0; i < x->n; i++) {
        buf_z(out, i > 0 ? ",{" : "{");
        if (!asl_rule(a, s, flow_opnds(a->flow, x->a)[i], out)) return false;
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
    return true;
}

static bool comparison(const Asl *a, const Scope *s, const FlowExpr *x, Buf *out) {
    static const char *const words[] = {[CMP_EQ] = "Equals", [CMP_NE] = "Equals", [CMP_LT] = "LessThan",
                                        [CMP_LE] = "LessThanEquals", [CMP_GT] = "GreaterThan", [CMP_GE] = "GreaterThanEquals"};
    static const uint8_t flipped[] = {[CMP_EQ] = CMP_EQ, [CMP_NE] = CMP_NE, [CMP_LT] = CMP_GT, [CMP_LE] = CMP_GE,
                                      [CMP_GT] = CMP_LT, [CMP_GE] = CMP_LE};
    const Scope *sl = s, *sr = s;
    Opnd l = flow_opnds(a->flow, x->a)[0], r = flow_opnds(a->flow, x->a)[1];
    TypeKind k = type_kind(a->flow->types, asl_type(a, s, l));
    asl_resolve(a, &sl, &l);
    asl_resolve(a, &sr, &r);
    FlowCmp cmp = (FlowCmp)x->cmp;
    if (opnd_tag(l) == OPND_CONST) {
        Opnd o = l;
        const Scope *t = sl;
        l = r, sl = sr, r = o, sr = t;
        cmp = (FlowCmp)flipped[cmp];
    }
    bool number = k == TY_INT || k == TY_FLOAT, text = k == TY_STRING || k == TY_ENUM;
    if (!number && !((text || k == TY_BOOL) && (cmp == CMP_EQ || cmp == CMP_NE))) return false;
    Buf left = BUF_INIT, right = BUF_INIT;
    bool value = opnd_tag(r) == OPND_CONST;
    bool ok = asl_path(a, sl, l, &left) && (value ? literal(a, constant(a, r), &right) : asl_path(a, sr, r, &right));
    if (ok) {
        if (cmp == CMP_NE) buf_z(out, "\"Not\":{");
        const char *kind = number ? "Numeric" : text ? "String" : "Boolean", *quote = value ? "" : "\"";
        buf_printf(out, "\"Variable\":\"%s\",\"%s%s%s\":%s%s%s", buf_cstr(&left), kind, words[cmp], value ? "" : "Path", quote,
                   buf_cstr(&right), quote);
        if (cmp == CMP_NE) buf_addc(out, '}');
    }
    buf_free(&left);
    buf_free(&right);
    return ok;
}

static bool variable(const Asl *a, const Scope *s, Opnd o, const char *test, Buf *out) {
    Buf p = BUF_INIT;
    bool ok = asl_path(a, s, o, &p);
    if (ok) buf_printf(out, "\"Variable\":\"%s\",\"%s\":true", buf_cstr(&p), test);
    buf_free(&p);
    return ok;
}

bool asl_rule(const Asl *a, const Scope *s, Opnd o, Buf *out) {
    asl_resolve(a, &s, &o);
    const FlowExpr *x = opnd_tag(o) == OPND_EXPR ? &a->flow->expr.data[opnd_index(o)] : NULL;
    if (x == NULL) return variable(a, s, o, "BooleanEquals", out);
    Opnd inner = x->n > 0 ? flow_opnds(a->flow, x->a)[0] : OPND_ABSENT;
    switch ((int)x->op) {
    case FLOW_AND: return plural(a, s, x, "And", out);
    case FLOW_OR: return plural(a, s, x, "Or", out);
    case FLOW_NOT:
        buf_z(out, "\"Not\":{");
        if (!asl_rule(a, s, inner, out)) return false;
        buf_addc(out, '}');
        return true;
    case FLOW_IS_NONE: return variable(a, s, inner, "IsNull", out);
    case FLOW_CMP: return comparison(a, s, x, out);
    default: return variable(a, s, o, "BooleanEquals", out);
    }
}

/* --- Python --- */

typedef struct Leaves {
    Asl *a;
    const Scope *s;
    VEC(Opnd) leaf;
} Leaves;

static void find_leaves(Leaves *l, Opnd o) {
    OpndTag t = opnd_tag(o);
    if (t == OPND_EXPR) {
        const FlowExpr *x = &l->a->flow->expr.data[opnd_index(o)];
        for (uint16_t i = 0; i < x->n; i++) find_leaves(l, flow_opnds(l->a->flow, x->a)[i]);
    }
    if (t != OPND_NODE && t != OPND_INPUT && t != OPND_FACT) return;
    for (uint32_t i = 0; i < l->leaf.len; i++)
        if (l->leaf.data[i] == o) return;
    vec_push(&l->leaf, o);
}

static const char *leaf_word(const Asl *a, const Scope *s, Opnd o) {
    static const char *const facts[] = {"run_id", "run_time", "run_scheduled_at", "run_params", "run_status", "run_duration",
                                        "run_failures"};
    const FlowRegion *r = &a->flow->region.data[s->region];
    if (opnd_tag(o) == OPND_FACT) return facts[opnd_index(o)];
    uint32_t i = opnd_index(o);
    Atom name = opnd_tag(o) == OPND_NODE ? a->flow->node.data[i].name : a->flow->input.data[r->input + i].name;
    return atom_cstr(a->flow->atoms, name);
}

/* The key of leaf i: its name, with its number when an earlier one is called alike. */
static const char *leaf_name(const Leaves *l, uint32_t i) {
    const char *name = leaf_word(l->a, l->s, l->leaf.data[i]);
    for (uint32_t k = 0; k < i; k++)
        if (strcmp(leaf_word(l->a, l->s, l->leaf.data[k]), name) == 0) return arena_printf(&l->a->arena, "%s__%u", name, i);
    return name;
}

static Leaves leaves_of(Asl *a, const Scope *s, const Opnd *o, uint32_t n) {
    Leaves l = {.a = a, .s = s};
    for (uint32_t i = 0; i < n; i++) find_leaves(&l, o[i]);
    return l;
}

void asl_leaves(Asl *a, const Scope *s, JsonOut *j, const char *key, const Opnd *o, uint32_t n) {
    Leaves l = leaves_of(a, s, o, n);
    json_key(j, key);
    JsonOut d = json_open(j->b, '{');
    for (uint32_t i = 0; i < l.leaf.len; i++) asl_field(a, s, &d, leaf_name(&l, i), l.leaf.data[i]);
    json_close(&d);
    vec_free(&l.leaf);
}

/* JSON on its way through the machine does not tell 1.0 from 1. */
static bool has_float(const Flow *f, TypeId t) {
    TypeKind k = type_kind(f->types, t);
    if (k == TY_LIST || k == TY_MAP || k == TY_OPT) return has_float(f, type_inner(f->types, t));
    if (k != TY_STRUCT && k != TY_RECORD) return k == TY_FLOAT;
    uint32_t n;
    const TypeField *x = type_fields(f->types, t, &n);
    for (uint32_t i = 0; i < n; i++)
        if (has_float(f, x[i].type)) return true;
    return false;
}

static void put_decoded(PyExpr *e, TypeId t, const char *text) {
    if (py_differs(e->flow, t) || !has_float(e->flow, t)) {
        py_decoded(e, t, text);
        return;
    }
    buf_z(e->out, "wf.decode(");
    py_type(e->out, e->flow, t);
    buf_printf(e->out, ", %s)", text);
}

static void put_leaf(PyExpr *e, Opnd o) {
    const Leaves *l = e->cx;
    for (uint32_t i = 0; i < l->leaf.len; i++)
        if (l->leaf.data[i] == o)
            put_decoded(e, asl_type(l->a, l->s, o), arena_printf(&l->a->arena, "d[\"%s\"]", leaf_name(l, i)));
}

void asl_python(Asl *a, const Scope *s, Buf *out, Opnd o, const Opnd *all, uint32_t n, bool encoded) {
    Leaves l = leaves_of(a, s, all, n);
    PyExpr e = {.flow = a->flow, .out = out, .region = s->region, .leaf = put_leaf, .cx = &l};
    if (encoded) py_encoded(&e, asl_type(a, s, o), o);
    else py_expr(&e, o);
    py_done(&e);
    vec_free(&l.leaf);
}

/* --- filters --- */

typedef struct Guard {
    Leaves leaves; /* of the region around */
    const FlowRegion *item;
} Guard;

static void put_guard_leaf(PyExpr *e, Opnd o) {
    static const char *const part[] = {"i", "x", "y"};
    Guard *g = e->cx;
    const FlowInput *in = &g->leaves.a->flow->input.data[g->item->input + opnd_index(o)];
    if (opnd_tag(o) == OPND_INPUT && in->from == OPND_ABSENT) {
        put_decoded(e, in->type, part[opnd_index(o)]);
    } else {
        PyExpr outer = *e;
        outer.cx = &g->leaves;
        outer.region = g->leaves.s->region;
        if (opnd_tag(o) == OPND_INPUT && opnd_tag(in->from) == OPND_CONST) py_expr(&outer, in->from);
        else put_leaf(&outer, opnd_tag(o) == OPND_INPUT ? in->from : o);
    }
}

void asl_python_guard(Asl *a, const Scope *s, Buf *out, RegionId item, const Opnd *all, uint32_t n) {
    Guard g = {leaves_of(a, s, all, n), &a->flow->region.data[item]};
    PyExpr e = {.flow = a->flow, .out = out, .region = item, .leaf = put_guard_leaf, .cx = &g};
    buf_z(out, "lambda i, x, y: ");
    py_expr(&e, g.item->guard);
    py_done(&e);
    vec_free(&g.leaves.leaf);
}
