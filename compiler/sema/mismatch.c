/* Findings: where they are put, and what is said of a type that does not fit. */
#include "compiler/sema/check.h"

#include <stdarg.h>

static Diag *error_in(Cx *c, DiagCode code, Span span, const char *fmt, va_list ap) {
    Buf b = BUF_INIT;
    buf_vprintf(&b, fmt, ap);
    Diag *d = diag_add(c->s->diags, code, span, "%s", buf_cstr(&b));
    buf_free(&b);
    return d;
}

Diag *error_at(Cx *c, DiagCode code, NodeId n, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    Diag *d = error_in(c, code, cx_span(c, n), fmt, ap);
    va_end(ap);
    return d;
}

Diag *error_name(Cx *c, DiagCode code, NodeId n, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    Diag *d = error_in(c, code, ast_name_span(c->ast, n), fmt, ap);
    va_end(ap);
    return d;
}

const char *diag_text(Cx *c, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    Buf b = BUF_INIT;
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    char *z = arena_strndup(&c->s->diags->arena, buf_cstr(&b), b.n);
    buf_free(&b);
    return z;
}

bool is_postfix(const Ast *ast, NodeId e) {
    switch ((int)ast_kind(ast, e)) {
    case AST_NAME:
    case AST_MEMBER:
    case AST_CALL:
    case AST_INDEX:
    case AST_INT:
    case AST_FLOAT:
    case AST_BOOL:
    case AST_STRING:
    case AST_TEXT:
    case AST_DURATION:
    case AST_SIZE:
    case AST_LIST:
    case AST_MAP:
    case AST_RECORD: return true;
    default: return false;
    }
}

/* --- mismatches --- */

/* The first field, element or column in which two types of one shape differ, as a note. */
static void note_difference(Cx *c, Diag *d, TypeId have, TypeId want) {
    Sema *s = c->s;
    have = type_file_base(s->types, have);
    if (kind_of(c, have) == TY_FILE && kind_of(c, want) == TY_ARTIFACT && type_at(s->types, have)->n > 0) want = type_file_base(s->types, want);
    if (kind_of(c, have) == TY_FILE && kind_of(c, want) == TY_FILE && type_at(s->types, have)->a != type_at(s->types, want)->a && type_at(s->types, want)->a != 0) {
        Str f = atom_str(s->atoms, type_at(s->types, have)->a), g = atom_str(s->atoms, type_at(s->types, want)->a);
        if (f.n > 0) diag_note(s->diags, d, "its format is \"%s\", wanted \"%s\"", f.p, g.p);
        else diag_note(s->diags, d, "its format is not known, wanted \"%s\"; `as` checks and tags a file", g.p);
        return;
    }
    if (kind_of(c, have) != kind_of(c, want)) {
        if (kind_of(c, want) != TY_STRUCT || kind_of(c, have) != TY_RECORD) return;
    }
    if (kind_of(c, want) != TY_RECORD && kind_of(c, want) != TY_STRUCT && kind_of(c, want) != TY_FILE) return;
    if (kind_of(c, want) == TY_STRUCT && kind_of(c, have) == TY_STRUCT) return;
    uint32_t n, m;
    const TypeField *f = type_fields(s->types, want, &n);
    const char *what = kind_of(c, want) == TY_FILE ? "column" : "field";
    for (uint32_t i = 0; i < n; i++) {
        int at = type_field_index(s->types, have, f[i].name);
        if (at < 0) {
            diag_note(s->diags, d, "%s `%s: %s` is missing", what, name_z(c, f[i].name), ty(c, f[i].type));
            return;
        }
        const TypeField *g = &type_fields(s->types, have, &m)[at];
        if (!type_fits(s->types, g->type, f[i].type)) {
            diag_note(s->diags, d, "%s `%s` is `%s`, wanted `%s`", what, name_z(c, f[i].name), ty(c, g->type), ty(c, f[i].type));
            return;
        }
    }
    if (kind_of(c, want) == TY_FILE) return;
    f = type_fields(s->types, have, &n);
    for (uint32_t i = 0; i < n; i++)
        if (type_field_index(s->types, want, f[i].name) < 0) {
            diag_note(s->diags, d, "`%s` has no field `%s`", ty(c, want), name_z(c, f[i].name));
            return;
        }
}

/* Whether the text of a string is a literal of that type. */
static bool quoted(Str z, TypeKind k) {
    if (k == TY_BOOL) return str_is(z, "true") || str_is(z, "false");
    if (k != TY_INT && k != TY_FLOAT) return false;
    size_t points = 0;
    for (size_t i = 0; i < z.n; i++) {
        if (z.p[i] == '.' && i > 0 && i + 1 < z.n) points++;
        else if (z.p[i] < '0' || z.p[i] > '9') return false;
    }
    return z.n > 0 && z.n < 16 && points <= (k == TY_FLOAT ? 1u : 0u);
}

/* A file whose declared columns are others cannot be what the artifact is. */
static bool can_be_tagged(const Cx *c, TypeId have, TypeId want) {
    const Types *t = c->s->types;
    if (type_kind(t, have) != TY_FILE || type_at(t, have)->n == 0) return true;
    return type_fits(t, have, type_file_base(t, type_unopt(t, want)));
}

/* A record where the value of one of its fields is wanted. */
static void help_record(Cx *c, Diag *d, NodeId e, TypeId have, TypeId want) {
    Sema *s = c->s;
    uint32_t n, hits = 0;
    Atom field = 0;
    const TypeField *f = type_fields(s->types, have, &n);
    for (uint32_t i = 0; i < n; i++)
        if (type_fits(s->types, f[i].type, want)) hits++, field = f[i].name;
    if (hits != 1) return;
    if (n == 1 && ast_is(c->ast, e, AST_RECORD)) {
        NodeId value = ast_named(c->ast, ast_record(c->ast, e).fields.at[0]).value;
        diag_help(s->diags, d, "a single value is written without its name");
        diag_edit(s->diags, d, cx_span(c, e), "%.*s", STR_ARG(source_text(s->sources, cx_span(c, value))));
        return;
    }
    Span end = cx_span(c, e);
    end.off += end.len;
    end.len = 0;
    diag_help(s->diags, d, "field `%s` has that type", name_z(c, field));
    if (is_postfix(c->ast, e)) diag_edit(s->diags, d, end, ".%s", name_z(c, field));
}

static void help_mismatch(Cx *c, Diag *d, NodeId e, TypeId have, TypeId want) {
    Sema *s = c->s;
    Span end = cx_span(c, e);
    Span start = {end.file, end.off, 0};
    end.off += end.len;
    end.len = 0;
    TypeKind h = kind_of(c, have), w = kind_of(c, type_unopt(s->types, want));
    if (w == TY_STRING && (h == TY_INT || h == TY_FLOAT || h == TY_BOOL || h == TY_DURATION || h == TY_SIZE || h == TY_ENUM || h == TY_TIME)) {
        bool literal = ast_is(c->ast, e, AST_INT) || ast_is(c->ast, e, AST_FLOAT) || ast_is(c->ast, e, AST_BOOL) || ast_is(c->ast, e, AST_DURATION) ||
                       ast_is(c->ast, e, AST_SIZE);
        diag_help(s->diags, d, literal ? "write it as a string" : "interpolate it into a string");
        diag_edit(s->diags, d, start, literal ? "\"" : "\"${");
        diag_edit(s->diags, d, end, literal ? "\"" : "}\"");
    } else if (w == TY_INT && h == TY_FLOAT && ast_is(c->ast, e, AST_FLOAT)) {
        diag_help(s->diags, d, "an int is written without a point");
    } else if (w == TY_INT && h == TY_FLOAT) {
        diag_help(s->diags, d, "`round`, `floor`, `ceil` or `int` make an int of a float");
        if (is_postfix(c->ast, e)) diag_edit(s->diags, d, end, ".round()");
        d->unsafe_fix = true;
    } else if ((w == TY_DURATION || w == TY_SIZE) && (h == TY_INT || h == TY_FLOAT)) {
        const char *unit = w == TY_DURATION ? "s" : "MiB";
        diag_help(s->diags, d, "give it a unit, such as `%s`", w == TY_DURATION ? "30s` or `10m" : "512MiB` or `16GB");
        if (ast_is(c->ast, e, AST_INT)) {
            diag_edit(s->diags, d, end, "%s", unit);
            d->unsafe_fix = true;
        }
    } else if (ast_is(c->ast, e, AST_STRING) && quoted(ast_string(c->ast, e), w)) {
        diag_help(s->diags, d, "write it without quotes");
        diag_edit(s->diags, d, cx_span(c, e), "%.*s", STR_ARG(ast_string(c->ast, e)));
    } else if (w == TY_ENUM && ast_is(c->ast, e, AST_STRING) &&
               type_field_index(s->types, type_unopt(s->types, want), atom_of(s->atoms, ast_string(c->ast, e))) >= 0) {
        diag_help(s->diags, d, "members are written without quotes");
        diag_edit(s->diags, d, cx_span(c, e), "%.*s", STR_ARG(ast_string(c->ast, e)));
    } else if (w == TY_ARTIFACT && (h == TY_FILE || h == TY_DIR) && can_be_tagged(c, have, want)) {
        diag_help(s->diags, d, "`as %s` checks the file and tags it", ty(c, want));
        if (is_postfix(c->ast, e)) diag_edit(s->diags, d, end, " as %s", ty(c, want));
    } else if (h == TY_JSON && w != TY_FILE && w != TY_DIR && w != TY_ARTIFACT) {
        diag_help(s->diags, d, "`as %s` decodes it, with a checked error", ty(c, want));
        if (is_postfix(c->ast, e)) diag_edit(s->diags, d, end, " as %s", ty(c, want));
    } else if (w == TY_LIST && h == TY_LIST && type_opt(s->types, type_inner(s->types, type_unopt(s->types, want))) == type_inner(s->types, have)) {
        diag_help(s->diags, d, "`.compact()` drops what is none");
        if (is_postfix(c->ast, e)) diag_edit(s->diags, d, end, ".compact()");
    } else if (w == TY_LIST && kind_of(c, have) == TY_LIST) {
        diag_note(s->diags, d, "lists convert only where their elements stay as they are; use `.map(x => ...)`");
    } else if (w == TY_LIST && type_fits(s->types, have, type_inner(s->types, type_unopt(s->types, want)))) {
        diag_help(s->diags, d, "put it into a list");
        diag_edit(s->diags, d, start, "[");
        diag_edit(s->diags, d, end, "]");
    } else if (h == TY_RECORD) {
        help_record(c, d, e, have, want);
    }
}

void label_why(Cx *c, Diag *d, Why why) {
    Sema *s = c->s;
    if (why.param != 0) {
        const SemaParam *p = &s->param.data[why.param - 1];
        if (p->node == 0) return;
        diag_label(s->diags, d, ast_span(&s->module.data[why.module].ast, p->node), "parameter `%s` is declared here", name_z(c, p->name));
    } else if (why.span.file != 0 && why.type != T_ERROR) {
        diag_label(s->diags, d, why.span, "this is `%s`", ty(c, why.type));
    } else if (why.span.file != 0) {
        diag_label(s->diags, d, why.span, "%s", why.text);
    }
}

/* " of lib.wf", when two nominal types have one name. */
static const char *file_of(Cx *c, TypeId t, TypeId other) {
    const Types *types = c->s->types;
    t = type_unopt(types, t);
    other = type_unopt(types, other);
    TypeKind k = kind_of(c, t);
    if ((k != TY_ARTIFACT && k != TY_STRUCT && k != TY_ENUM) || kind_of(c, other) != k || type_def(types, t)->name != type_def(types, other)->name) return "";
    return diag_text(c, " of %s", c->s->sources->file[type_def(types, t)->span.file].path);
}

void report_mismatch(Cx *c, NodeId e, TypeId have, TypeId want, Why why) {
    Sema *s = c->s;
    if (have == T_ERROR || want == T_ERROR) return;
    Diag *d;
    if (kind_of(c, have) == TY_OPT && kind_of(c, want) != TY_OPT && type_fits(s->types, type_inner(s->types, have), want)) {
        d = error_at(c, WF_E_optional_value, e, "expected `%s`, found `%s`, which may be none", ty(c, want), ty(c, have));
        diag_help(s->diags, d, "give a value for none with `??`, or test it: `if x != none { ... }`");
    } else if (kind_of(c, have) == TY_NOTHING) {
        d = error_at(c, WF_E_no_value, e, "expected `%s`, but this gives no value", ty(c, want));
        if (ast_is(c->ast, e, AST_BLOCK) || ast_is(c->ast, e, AST_BINDING)) diag_note(s->diags, d, "the value of a block is its last line, which is no binding");
    } else if (kind_of(c, have) == TY_NONE) {
        d = error_at(c, WF_E_type_mismatch, e, "expected `%s`, which cannot be none", ty(c, want));
        diag_help(s->diags, d, "only an optional can be none: declare it as `%s?`", ty(c, want));
    } else {
        d = error_at(c, WF_E_type_mismatch, e, "expected `%s`%s, found `%s`%s", ty(c, want), file_of(c, want, have), ty(c, have), file_of(c, have, want));
        diag_here(s->diags, d, "this is `%s`", ty(c, have));
        note_difference(c, d, have, type_unopt(s->types, want));
        help_mismatch(c, d, e, have, want);
        /* Nominal types of one name from two files are told apart. */
        if ((kind_of(c, have) == TY_ARTIFACT || kind_of(c, have) == TY_STRUCT || kind_of(c, have) == TY_ENUM) &&
            kind_of(c, have) == kind_of(c, want) && type_def(s->types, have)->name == type_def(s->types, want)->name) {
            diag_label(s->diags, d, type_def(s->types, have)->span, "one is declared here");
            diag_label(s->diags, d, type_def(s->types, want)->span, "the other here: they are different types");
        }
    }
    label_why(c, d, why);
}
