/* Declarations and imports that nothing uses; findings that a comment allows. */
#include "compiler/sema/check.h"

#include <stdlib.h>

/* A file with a workflow is a program, whose declarations are there for it; one without is a library. */
static bool is_program(const Sema *s, const Module *m) {
    for (uint32_t i = m->first_symbol; i < m->first_symbol + m->nsymbols; i++)
        if (s->symbol.data[i].kind == SYM_WORKFLOW) return true;
    return false;
}

void check_unused(Sema *s) {
    const Module *m = &s->module.data[1];
    bool program = is_program(s, m);
    for (uint32_t i = 0; i < s->symbol.len; i++) {
        const Symbol *y = &s->symbol.data[i];
        if (y->module != 1 || y->used || y->name == 0) continue;
        const char *what = NULL;
        switch (y->kind) {
        case SYM_IMPORT: {
            Diag *d = diag_add(s->diags, WF_E_unused_import, ast_span(&m->ast, y->decl), "`%s` is imported but not used", atom_cstr(s->atoms, y->name));
            Span line = ast_span(&m->ast, y->decl);
            if (line.off + line.len < m->ast.text.n && m->ast.text.p[line.off + line.len] == '\n') line.len++;
            diag_help(s->diags, d, "remove the import");
            diag_edit(s->diags, d, line, "%s", "");
            continue;
        }
        case SYM_STEP: what = "step"; break;
        case SYM_FN: what = "function"; break;
        case SYM_CONST: what = "constant"; break;
        case SYM_STRUCT: what = "struct"; break;
        case SYM_ENUM: what = "enum"; break;
        case SYM_ARTIFACT: what = "artifact"; break;
        case SYM_BUNDLE:
            if (!str_is(atom_str(s->atoms, y->name), "default")) what = "annotation";
            break;
        case SYM_WORKFLOW:
        case SYM_ANNOTATION:
        case SYM_TARGET: break;
        }
        if (what == NULL || !program) continue;
        Diag *d = diag_add(s->diags, WF_E_unused_declaration, y->span, "%s `%s` is never used", what, atom_cstr(s->atoms, y->name));
        diag_help(s->diags, d, "remove it; a file without a workflow is a library, where nothing has to be used");
    }
}

/* --- allowances: # wfc: allow(WF0300, WF0301) because ... --- */

typedef struct Allowance {
    uint32_t line;   /* whose findings are silenced */
    DiagCode code[8];
    bool used[8];
    uint32_t n;
    Span span;
} Allowance;

static void blanks(Str *t) {
    while (t->n > 0 && (t->p[0] == ' ' || t->p[0] == '\t')) t->p++, t->n--;
}

static bool take(Str *t, const char *word) {
    blanks(t);
    if (!str_starts(*t, str_of(word))) return false;
    t->p += strlen(word);
    t->n -= strlen(word);
    return true;
}

static void bad_allowance(Sema *s, Span span, const char *why) {
    Diag *d = diag_add(s->diags, WF_E_bad_allowance, span, "%s", why);
    diag_help(s->diags, d, "write `# wfc: allow(WF0300) because ...`");
}

static bool read_allowance(Sema *s, const Module *m, uint32_t off, Allowance *a) {
    Str text = m->ast.text, t = {text.p + off, 0};
    while (off + t.n < text.n && t.p[t.n] != '\n' && t.p[t.n] != '\r') t.n++;
    a->span = (Span){m->file, off, (uint32_t)t.n};
    LineCol at = source_line_col(s->sources, m->file, off);
    uint32_t start = source_line_start(s->sources, m->file, at.line);
    bool alone = true;
    for (uint32_t i = start; i < off; i++) alone &= text.p[i] == ' ' || text.p[i] == '\t';
    a->line = alone ? at.line + 1 : at.line;
    take(&t, "#");
    take(&t, "wfc:");
    if (!take(&t, "allow") || !take(&t, "(")) return bad_allowance(s, a->span, "only `allow(...)` can follow `# wfc:`"), false;
    do {
        blanks(&t);
        size_t n = 0;
        while (n < t.n && t.p[n] != ',' && t.p[n] != ')' && t.p[n] != ' ') n++;
        DiagCode code = diag_code_parse((Str){t.p, n});
        if (code == 0) return bad_allowance(s, a->span, "no finding has this code"), false;
        if (diag_code_severity(code) == SEV_ERROR) return bad_allowance(s, a->span, "errors cannot be allowed, only warnings"), false;
        if (a->n == 8) return bad_allowance(s, a->span, "at most eight codes can be allowed on a line"), false;
        a->code[a->n++] = code;
        t.p += n;
        t.n -= n;
    } while (take(&t, ","));
    if (!take(&t, ")")) return bad_allowance(s, a->span, "`)` is missing"), false;
    take(&t, "because");
    blanks(&t);
    if (t.n < 3) return bad_allowance(s, a->span, "an allowance needs a reason"), false;
    return true;
}

static bool silences(Sema *s, Allowance *a, const Diag *d) {
    if (d->span.file != a->span.file) return false;
    if (source_line_col(s->sources, d->span.file, d->span.off).line != a->line) return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (a->code[i] == d->code) return a->used[i] = true;
    return false;
}

static void release(Diag *d) {
    vec_free(&d->labels);
    vec_free(&d->notes);
    vec_free(&d->edits);
}

void apply_allowances(Sema *s) {
    VEC(Allowance) list = {0};
    for (uint32_t m = 1; m < s->module.len; m++) {
        const Module *mod = &s->module.data[m];
        for (uint32_t i = 0; i < mod->ast.pragmas.len; i++) {
            Allowance a = {0};
            if (read_allowance(s, mod, mod->ast.pragmas.data[i], &a)) vec_push(&list, a);
        }
    }
    if (list.len == 0) return;
    uint32_t k = 0;
    for (uint32_t i = 0; i < s->diags->list.len; i++) {
        bool hit = false;
        Diag *d = &s->diags->list.data[i];
        for (uint32_t j = 0; j < list.len && d->severity == SEV_WARNING && !hit; j++) hit = silences(s, &list.data[j], d);
        if (hit) {
            s->diags->nwarnings--;
            release(d);
        } else {
            s->diags->list.data[k++] = *d;
        }
    }
    s->diags->list.len = k;
    for (uint32_t j = 0; j < list.len && s->diags->nerrors == 0; j++) /* with errors, not every warning was looked for */
        for (uint32_t i = 0; i < list.data[j].n; i++)
            if (!list.data[j].used[i]) {
                Diag *d = diag_add(s->diags, WF_E_unused_allowance, list.data[j].span, "this allowance of WF%04d silences nothing", (int)list.data[j].code[i]);
                diag_help(s->diags, d, "remove it");
            }
    vec_free(&list);
}

/* --- consequences --- */

/* Warnings about what is missing in a declaration; an error in it may hide what they look for. */
static bool is_unused_code(DiagCode code) {
    return code == WF_E_unused_binding || code == WF_E_unused_parameter || code == WF_E_unused_value || code == WF_E_unused_declaration ||
           code == WF_E_unused_import || code == WF_E_unordered_effects;
}

/* The declaration of the file that holds the offset, or one that holds nothing. */
static Span declaration_at(const Sema *s, FileId file, uint32_t off) {
    for (uint32_t m = 1; m < s->module.len; m++) {
        if (s->module.data[m].file != file) continue;
        const Ast *ast = &s->module.data[m].ast;
        AstList items = ast_file(ast, ast->root).items;
        uint32_t low = 0, high = items.n;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (ast_node(ast, items.at[middle])->end <= off) low = middle + 1;
            else high = middle;
        }
        if (low < items.n) return ast_span(ast, items.at[low]);
    }
    return (Span){file, off, 0};
}

static bool holds(Span whole, Span part) { return part.file == whole.file && part.off >= whole.off && part.off < whole.off + whole.len; }

/* A line with a syntax error was read by guessing, so nothing else is said of it. In a declaration with an error, what seems to
   be unused may be what the error is about. */
void drop_consequences(Sema *s) {
    Diags *ds = s->diags;
    if (ds->nerrors == 0) return;
    enum { SYNTAX_CODES = 100 };
    uint32_t n = ds->list.len, k = 0;
    bool *drop = ARENA_ARRAY(&s->arena, bool, n);
    uint32_t line = 0;
    FileId file = 0;
    for (uint32_t pass = 0; pass < 2; pass++) /* forwards and back: the syntax error may stand behind its consequences */
        for (uint32_t j = 0; j < n; j++) {
            uint32_t i = pass == 0 ? j : n - 1 - j;
            const Diag *d = &ds->list.data[i];
            uint32_t at = source_line_col(s->sources, d->span.file, d->span.off).line;
            if ((unsigned)d->code < SYNTAX_CODES) file = d->span.file, line = at;
            else if (d->span.file == file && at == line) drop[i] = true;
        }
    Span whole = SPAN_NONE;
    bool wrong = false;
    for (uint32_t i = 0; i < n; i++) {
        const Diag *d = &ds->list.data[i];
        if (!is_unused_code(d->code)) continue;
        if (!holds(whole, d->span)) {
            whole = declaration_at(s, d->span.file, d->span.off);
            wrong = false;
            for (uint32_t j = i; j-- > 0 && holds(whole, ds->list.data[j].span);) wrong |= ds->list.data[j].severity == SEV_ERROR;
            for (uint32_t j = i; j < n && holds(whole, ds->list.data[j].span); j++) wrong |= ds->list.data[j].severity == SEV_ERROR;
        }
        drop[i] |= wrong;
    }
    for (uint32_t i = 0; i < n; i++) {
        Diag *d = &ds->list.data[i];
        if (!drop[i]) {
            ds->list.data[k++] = *d;
            continue;
        }
        if (d->severity == SEV_ERROR) ds->nerrors--;
        else ds->nwarnings--;
        release(d);
    }
    ds->list.len = k;
}
