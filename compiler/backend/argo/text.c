/* Operands as expressions of expr-lang over JSON texts. Only what is exact for every value: comparing, choosing and joining
   texts, comparing numbers. Texts are canonical, so equal values of these types have equal texts. */
#include "compiler/backend/argo/argo.h"

#include "base/json.h"

#include <stdlib.h>

enum { LONGEST = 1500 }; /* an expression that is longer is computed instead: nobody could read it */

static void put_escape(Buf *out, uint32_t cp) {
    if (cp > 0xFFFF) {
        cp -= 0x10000;
        buf_printf(out, "\\u%04x\\u%04x", 0xD800u + (cp >> 10), 0xDC00u + (cp & 0x3FFu));
    } else {
        buf_printf(out, "\\u%04x", cp);
    }
}

/* One character inside a JSON string; gives how many bytes it took. */
static size_t put_char(Buf *out, Str json, size_t i) {
    unsigned char c = (unsigned char)json.p[i];
    if (c == '\\' && json.p[i + 1] == '\\') {
        put_escape(out, c);
        return 2;
    }
    if (c == '\\') {
        buf_add(out, json.p + i, 2);
        return 2;
    }
    if (c == '{' || c == '}' || c == '$' || c == '\'' || c == 0x7F) {
        put_escape(out, c);
        return 1;
    }
    if (c < 0x80) {
        buf_addc(out, (char)c);
        return 1;
    }
    uint32_t cp;
    unsigned n = utf8_decode(json.p + i, json.n - i, &cp);
    put_escape(out, n == 0 ? 0xFFFD : cp);
    return n == 0 ? 1 : n;
}

void argo_json(Buf *out, Str json, bool inside) {
    bool string = false;
    for (size_t i = 0; i < json.n;) {
        char c = json.p[i];
        if (c == '"') string = !string;
        if (string && c != '"') {
            i += put_char(out, json, i);
            continue;
        }
        if (inside && c == '}' && out->n > 0 && out->p[out->n - 1] == '}') buf_addc(out, ' ');
        buf_addc(out, c);
        i++;
    }
}

void argo_literal(Buf *out, const char *text) {
    buf_addc(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '\'') buf_addc(out, '\\');
        buf_addc(out, *text);
    }
    buf_addc(out, '\'');
}

/* Words that the engine takes for variables of its own wherever they stand: an expression that has one stays unresolved. */
static bool is_variable(const char *name, size_t n) {
    static const char *const words[] = {"item", "retries"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && memcmp(words[i], name, n) == 0) return true;
    return false;
}

void argo_path(Buf *out, const char *path) {
    for (bool first = true; *path != '\0'; first = false) {
        size_t n = strcspn(path, ".");
        if (!first && (memchr(path, '-', n) != NULL || is_variable(path, n))) {
            buf_printf(out, "['%.*s']", (int)n, path);
        } else {
            buf_printf(out, "%s%.*s", first ? "" : ".", (int)n, path);
        }
        path += n + (path[n] == '.');
    }
}

/* --- leaves --- */

const char *argo_leaf_path(Scope *s, Opnd o) {
    uint32_t i = opnd_index(o);
    switch (opnd_tag(o)) {
    case OPND_INPUT: return s->input[i];
    case OPND_NODE:
        if (s->g->task[i] == NULL) return NULL;
        return arena_printf(&s->g->arena, "tasks.%s.outputs.parameters.out", s->g->task[i]);
    case OPND_FACT: return i == FACT_RUN_PARAMS ? "inputs.parameters._params" : NULL;
    case OPND_NONE: case OPND_CONST: case OPND_EXPR: case OPND_LOCAL: break;
    }
    return NULL;
}

static void put_const(Scope *s, Opnd o, Buf *out, bool literal) {
    Buf json = BUF_INIT, safe = BUF_INIT;
    const_json(&json, s->g->f, &s->g->f->constant.data[opnd_index(o)]);
    argo_json(&safe, buf_view(&json), literal);
    if (literal) argo_literal(out, buf_cstr(&safe));
    else buf_str(out, buf_view(&safe));
    buf_free(&json);
    buf_free(&safe);
}

static bool put_fact(Scope *s, uint32_t fact, Buf *out) {
    const char *known = fact == FACT_RUN_STATUS ? s->status : fact == FACT_RUN_FAILURES ? s->failures : NULL;
    if (known != NULL) {
        buf_z(out, known);
        return true;
    }
    switch ((FlowFact)fact) {
    case FACT_RUN_ID: buf_z(out, "toJson(workflow.name)"); return true;
    case FACT_RUN_TIME: buf_z(out, "toJson(workflow.creationTimestamp.RFC3339)"); return true;
    case FACT_RUN_SCHEDULED_AT: case FACT_RUN_PARAMS: case FACT_RUN_STATUS: case FACT_RUN_DURATION: case FACT_RUN_FAILURES:
    case FACT_COUNT: break;
    }
    return false;
}

static TypeId type_of(Scope *s, Opnd o) {
    PyExpr e = {.flow = s->g->f, .region = s->region};
    TypeId t = py_type_of(&e, o);
    py_done(&e);
    return t;
}

/* --- pieces of text --- */

/* The text of an operand as it stands inside a JSON string. */
static bool put_piece(Scope *s, Opnd o, Buf *out) {
    const Flow *f = s->g->f;
    if (opnd_tag(o) == OPND_EXPR && f->expr.data[opnd_index(o)].op == FLOW_TEXT)
        o = flow_opnds(f, f->expr.data[opnd_index(o)].a)[0];
    TypeId t = type_of(s, o);
    TypeKind k = type_kind(f->types, t);
    if (opnd_tag(o) == OPND_FACT && opnd_index(o) == FACT_RUN_TIME) return false; /* its zone is the controller's */
    switch (k) {
    case TY_INT: case TY_FLOAT: case TY_BOOL: return argo_expr(s, o, out);
    case TY_STRING: case TY_DURATION: case TY_SIZE: case TY_TIME: break;
    case TY_ENUM:
        if (py_differs(f, t)) return false;
        break;
    case TY_ERROR: case TY_NOTHING: case TY_NEVER: case TY_NONE: case TY_JSON: case TY_SECRET: case TY_DIR: case TY_FILE:
    case TY_ARTIFACT: case TY_STRUCT: case TY_RECORD: case TY_LIST: case TY_MAP: case TY_OPT: case TY_VAR:
    case TY_COUNT: return false;
    }
    if (opnd_tag(o) == OPND_CONST) {
        Buf json = BUF_INIT;
        put_const(s, o, &json, false);
        json.p[json.n - 1] = '\0';
        argo_literal(out, json.p + 1);
        buf_free(&json);
        return true;
    }
    if (!argo_expr(s, o, out)) return false;
    buf_z(out, "[1:-1]");
    return true;
}

static bool put_concat(Scope *s, const FlowExpr *x, Buf *out) {
    buf_z(out, "('\"'");
    for (uint16_t i = 0; i < x->n; i++) {
        buf_z(out, " + ");
        if (!put_piece(s, flow_opnds(s->g->f, x->a)[i], out)) return false;
    }
    buf_z(out, " + '\"')");
    return true;
}

static bool put_record(Scope *s, const FlowExpr *x, Buf *out) {
    const Flow *f = s->g->f;
    uint32_t n;
    const TypeField *field = type_fields(f->types, x->type, &n);
    buf_z(out, "('{");
    for (uint16_t i = 0; i < x->n; i++) {
        Buf key = BUF_INIT, safe = BUF_INIT;
        json_string(&key, atom_str(f->atoms, field[i].foreign != 0 ? field[i].foreign : field[i].name));
        argo_json(&safe, buf_view(&key), true);
        for (size_t k = 0; k < safe.n; k++) buf_printf(out, safe.p[k] == '\\' ? "\\\\" : "%c", safe.p[k]);
        buf_z(out, ":' + ");
        buf_free(&key);
        buf_free(&safe);
        if (!argo_expr(s, flow_opnds(f, x->a)[i], out)) return false;
        buf_z(out, i + 1 < x->n ? " + '," : " + '");
    }
    buf_z(out, "}')");
    return true;
}

static bool put_list(Scope *s, const FlowExpr *x, Buf *out) {
    buf_z(out, "('['");
    for (uint16_t i = 0; i < x->n; i++) {
        buf_z(out, i > 0 ? " + ',' + " : " + ");
        if (!argo_expr(s, flow_opnds(s->g->f, x->a)[i], out)) return false;
    }
    buf_z(out, " + ']')");
    return true;
}

/* --- conditions --- */

static bool is_number(TypeKind k) { return k == TY_INT || k == TY_FLOAT; }

static bool put_number(Scope *s, Opnd o, TypeKind k, Buf *out) {
    if (opnd_tag(o) == OPND_CONST) {
        put_const(s, o, out, false);
        return true;
    }
    buf_z(out, k == TY_INT ? "int(" : "float(");
    if (!argo_expr(s, o, out)) return false;
    buf_addc(out, ')');
    return true;
}

static bool has_text_equality(TypeKind k) {
    return k == TY_BOOL || k == TY_STRING || k == TY_ENUM || k == TY_DURATION || k == TY_SIZE || k == TY_TIME;
}

static bool put_comparison(Scope *s, const FlowExpr *x, Buf *out) {
    static const char *const ops[] = {
        [CMP_EQ] = " == ", [CMP_NE] = " != ", [CMP_LT] = " < ", [CMP_LE] = " <= ", [CMP_GT] = " > ", [CMP_GE] = " >= "};
    const Opnd *o = flow_opnds(s->g->f, x->a);
    TypeKind k = type_kind(s->g->f->types, type_of(s, o[0]));
    bool number = is_number(k), same = x->cmp == CMP_EQ || x->cmp == CMP_NE;
    if (!number && !(same && has_text_equality(k))) return false;
    bool clock = (opnd_tag(o[0]) == OPND_FACT && opnd_index(o[0]) == FACT_RUN_TIME) ||
                 (opnd_tag(o[1]) == OPND_FACT && opnd_index(o[1]) == FACT_RUN_TIME);
    if (clock || !(number ? put_number(s, o[0], k, out) : argo_expr(s, o[0], out))) return false;
    buf_z(out, ops[x->cmp]);
    return number ? put_number(s, o[1], k, out) : argo_expr(s, o[1], out);
}

static bool put_condition(Scope *s, Opnd o, Buf *out) {
    const Flow *f = s->g->f;
    if (opnd_tag(o) == OPND_CONST) {
        put_const(s, o, out, false);
        return true;
    }
    if (opnd_tag(o) == OPND_EXPR) {
        const FlowExpr *x = &f->expr.data[opnd_index(o)];
        const Opnd *a = flow_opnds(f, x->a);
        if (x->op == FLOW_CMP) return put_comparison(s, x, out);
        if (x->op == FLOW_NOT) {
            buf_z(out, "!(");
            if (!put_condition(s, a[0], out)) return false;
            buf_addc(out, ')');
            return true;
        }
        if (x->op == FLOW_AND || x->op == FLOW_OR) {
            buf_addc(out, '(');
            if (!put_condition(s, a[0], out)) return false;
            buf_z(out, x->op == FLOW_AND ? " && " : " || ");
            if (!put_condition(s, a[1], out)) return false;
            buf_addc(out, ')');
            return true;
        }
        if (x->op == FLOW_IS_NONE) {
            if (!argo_expr(s, a[0], out)) return false;
            buf_z(out, " == 'null'");
            return true;
        }
    }
    if (!argo_expr(s, o, out)) return false;
    buf_z(out, " == 'true'");
    return true;
}

/* --- all --- */

static bool put_choice(Scope *s, const FlowExpr *x, Buf *out) {
    const Opnd *a = flow_opnds(s->g->f, x->a);
    buf_addc(out, '(');
    if (!put_condition(s, a[0], out)) return false;
    buf_z(out, " ? ");
    if (!argo_expr(s, a[1], out)) return false;
    buf_z(out, " : ");
    if (!argo_expr(s, a[2], out)) return false;
    buf_addc(out, ')');
    return true;
}

static bool put_coalesce(Scope *s, const FlowExpr *x, Buf *out) {
    const Opnd *a = flow_opnds(s->g->f, x->a);
    buf_addc(out, '(');
    if (!argo_expr(s, a[0], out)) return false;
    buf_z(out, " != 'null' ? ");
    if (!argo_expr(s, a[0], out)) return false;
    buf_z(out, " : ");
    if (!argo_expr(s, a[1], out)) return false;
    buf_addc(out, ')');
    return true;
}

static bool put_operation(Scope *s, Opnd o, Buf *out) {
    const Flow *f = s->g->f;
    const FlowExpr *x = &f->expr.data[opnd_index(o)];
    const Opnd *a = flow_opnds(f, x->a);
    if (x->op == FLOW_SOME || x->op == FLOW_UNWRAP || x->op == FLOW_ENCODE) return argo_expr(s, a[0], out);
    if (x->op == FLOW_CAST) {
        TypeId from = type_of(s, a[0]);
        return (type_has(f->types, x->type, TYF_FILE) || (!py_differs(f, from) && !py_differs(f, x->type))) &&
               argo_expr(s, a[0], out);
    }
    if (x->op == FLOW_IF) return put_choice(s, x, out);
    if (x->op == FLOW_COALESCE) return put_coalesce(s, x, out);
    if (x->op == FLOW_CONCAT) return put_concat(s, x, out);
    if (x->op == FLOW_RECORD) return put_record(s, x, out);
    if (x->op == FLOW_LIST) return put_list(s, x, out);
    if (x->op == FLOW_CMP || x->op == FLOW_NOT || x->op == FLOW_AND || x->op == FLOW_OR || x->op == FLOW_IS_NONE) {
        buf_addc(out, '(');
        if (!put_condition(s, o, out)) return false;
        buf_z(out, " ? 'true' : 'false')");
        return true;
    }
    return false;
}

static bool put(Scope *s, Opnd o, Buf *out) {
    if (out->n > LONGEST) return false;
    const char *path = argo_leaf_path(s, o);
    if (path != NULL) {
        argo_path(out, path);
        return true;
    }
    switch (opnd_tag(o)) {
    case OPND_NONE: argo_literal(out, "null"); return true;
    case OPND_CONST: put_const(s, o, out, true); return true;
    case OPND_NODE: buf_z(out, s->g->text[opnd_index(o)]); return true;
    case OPND_FACT: return put_fact(s, opnd_index(o), out);
    case OPND_EXPR: return put_operation(s, o, out);
    case OPND_INPUT: case OPND_LOCAL: break;
    }
    return false;
}

bool argo_expr(Scope *s, Opnd o, Buf *out) {
    size_t from = out->n;
    if (put(s, o, out)) return true;
    out->n = from;
    return false;
}

bool argo_condition(Scope *s, Opnd o, Buf *out) {
    size_t from = out->n;
    if (put_condition(s, o, out)) return true;
    out->n = from;
    return false;
}

const char *argo_tag(Scope *s, Opnd o) {
    const char *path = argo_leaf_path(s, o), *tag = NULL;
    if (path != NULL) return arena_printf(&s->g->arena, "{{%s}}", path);
    if (o == opnd(OPND_FACT, FACT_RUN_SCHEDULED_AT))
        return "\"{{workflow.scheduledTime}}\""; /* stays so in a run without a schedule */
    Buf b = BUF_INIT;
    if (opnd_tag(o) == OPND_CONST || opnd_tag(o) == OPND_NONE) {
        if (opnd_tag(o) == OPND_NONE) buf_z(&b, "null");
        else put_const(s, o, &b, false);
        tag = arena_strndup(&s->g->arena, b.p, b.n);
    } else if (argo_expr(s, o, &b)) {
        tag = arena_printf(&s->g->arena, "{{=%s}}", buf_cstr(&b));
    }
    buf_free(&b);
    return tag;
}

/* --- keys of files --- */

static bool plain_name(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '_' && s.p[i] != '-' && !(s.p[i] >= '0' && s.p[i] <= '9') &&
            !((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z'))
            return false;
    return s.n > 0;
}

/* The leaf under a chain of fields, and the chain as a JSONPath. */
static bool path_of(Scope *s, Opnd o, Opnd *leaf, Buf *path) {
    const Flow *f = s->g->f;
    if (opnd_tag(o) != OPND_EXPR) {
        *leaf = o;
        buf_addc(path, '$');
        return opnd_tag(o) == OPND_NODE || opnd_tag(o) == OPND_INPUT;
    }
    const FlowExpr *x = &f->expr.data[opnd_index(o)];
    const Opnd *a = flow_opnds(f, x->a);
    if (x->op == FLOW_SOME || x->op == FLOW_UNWRAP || x->op == FLOW_CAST) return path_of(s, a[0], leaf, path);
    if (x->op != FLOW_FIELD || !path_of(s, a[0], leaf, path)) return false;
    uint32_t n;
    const TypeField *field = &type_fields(f->types, type_of(s, a[0]), &n)[x->b];
    Str name = atom_str(f->atoms, field->foreign != 0 ? field->foreign : field->name);
    buf_printf(path, "[\"%.*s\"]", STR_ARG(name));
    return plain_name(name);
}

const char *argo_key(Scope *s, Opnd o, TypeId type) {
    Argo *g = s->g;
    if (argo_files(g->f, type) == FILES_MANY) return arena_printf(&g->arena, "%s/{{workflow.uid}}", g->prefix);
    if (opnd_tag(o) == OPND_NONE || (opnd_tag(o) == OPND_CONST && g->f->constant.data[opnd_index(o)].kind == CONST_NONE))
        return "none";
    Buf path = BUF_INIT, text = BUF_INIT;
    Opnd leaf;
    const char *key = NULL;
    if (!path_of(s, o, &leaf, &path)) {
        buf_clear(&path);
        buf_addc(&path, '$');
        leaf = o;
    }
    if (argo_expr(s, leaf, &text)) {
        bool opt = type_kind(g->f->types, type) == TY_OPT;
        key = opt ? arena_printf(&g->arena, "{{=jsonpath(%s, '%s') == nil ? 'none' : jsonpath(%s, '%s[\"uri\"]')}}",
                                 buf_cstr(&text), buf_cstr(&path), buf_cstr(&text), buf_cstr(&path))
                  : arena_printf(&g->arena, "{{=jsonpath(%s, '%s[\"uri\"]')}}", buf_cstr(&text), buf_cstr(&path));
    }
    buf_free(&path);
    buf_free(&text);
    return key;
}
