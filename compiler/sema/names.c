/* Name spaces of modules, the scope of locals, and suggestions for unknown names. */
#include "compiler/sema/check.h"

#include "base/hash.h"

#include <stdarg.h>
#include <stdlib.h>

typedef struct NameEntry {
    uint32_t module;
    uint8_t space;
    Atom name; /* 0: free */
    uint32_t symbol;
} NameEntry;

/* Declarations of all modules in one table; the visible local of each atom. */
struct SemaNames {
    NameEntry *slot;
    uint32_t mask, n;
    uint32_t *local; /* by atom: local + 1, or 0 */
    uint32_t nlocal;
};

void names_init(Sema *s) {
    s->names = wf_alloc_zero(sizeof *s->names);
    s->names->mask = 1023;
    s->names->slot = wf_alloc_zero(1024 * sizeof *s->names->slot);
}

void names_free(Sema *s) {
    if (s->names == NULL) return;
    free(s->names->slot);
    free(s->names->local);
    free(s->names);
    s->names = NULL;
}

static NameEntry *probe(const struct SemaNames *t, uint32_t module, NameSpace space, Atom name) {
    uint32_t i = (uint32_t)hash_mix((uint64_t)module << 3 | space, name) & t->mask;
    while (t->slot[i].name != 0 && (t->slot[i].name != name || t->slot[i].module != module || t->slot[i].space != space))
        i = (i + 1) & t->mask;
    return &t->slot[i];
}

bool names_add(Sema *s, uint32_t module, NameSpace space, Atom name, uint32_t symbol, uint32_t *other) {
    struct SemaNames *t = s->names;
    NameEntry *e = probe(t, module, space, name);
    if (e->name != 0) {
        *other = e->symbol;
        return false;
    }
    *e = (NameEntry){module, (uint8_t)space, name, symbol};
    if (++t->n <= t->mask / 2) return true;
    NameEntry *old = t->slot;
    uint32_t n = t->mask + 1;
    t->mask = t->mask * 2 + 1;
    t->slot = wf_alloc_zero(((size_t)t->mask + 1) * sizeof *t->slot);
    for (uint32_t i = 0; i < n; i++)
        if (old[i].name != 0) *probe(t, old[i].module, (NameSpace)old[i].space, old[i].name) = old[i];
    free(old);
    return true;
}

uint32_t sema_lookup(const Sema *s, uint32_t module, NameSpace space, Atom name) {
    if (name == 0) return NOT_FOUND;
    const NameEntry *e = probe(s->names, module, space, name);
    return e->name != 0 ? e->symbol : NOT_FOUND;
}

uint32_t scope_find(const Cx *c, Atom name) {
    const struct SemaNames *t = c->s->names;
    return name < t->nlocal && t->local[name] != 0 ? t->local[name] - 1 : NOT_FOUND;
}

void check_name_form(Sema *s, Atom name, Span span, const char *what) {
    Str z = atom_str(s->atoms, name);
    const char *why = NULL;
    if (z.n > 63)
        why = "be longer than 63 characters";
    else if (z.n > 0 && z.p[z.n - 1] == '_')
        why = "end in `_`";
    else
        for (size_t i = 0; i + 1 < z.n; i++)
            if (z.p[i] == '_' && z.p[i + 1] == '_') why = "hold `__`";
    if (why == NULL) return;
    Diag *d = diag_add(s->diags, WF_E_name_form, span, "the name of %s cannot %s", what, why);
    diag_note(s->diags, d, "names become pod, task and state names, where `_` is written `-` and parts are joined by `--`");
}

static const char *const local_text[] = {[LOCAL_PARAM] = "parameter", [LOCAL_OUTPUT] = "output", [LOCAL_BINDING] = "binding",
    [LOCAL_LOOP] = "loop variable", [LOCAL_STATE] = "loop state", [LOCAL_CATCH] = "caught failure", [LOCAL_LAMBDA] = "lambda parameter"};

uint32_t scope_add(Cx *c, Local l) {
    Sema *s = c->s;
    struct SemaNames *t = s->names;
    if (l.name >= t->nlocal) {
        uint32_t n = s->atoms->n + s->atoms->n / 2 + 64;
        t->local = wf_realloc(t->local, n * sizeof *t->local);
        memset(t->local + t->nlocal, 0, (n - t->nlocal) * sizeof *t->local);
        t->nlocal = n;
    }
    uint32_t id = s->local.len;
    const char *what = local_text[l.kind];
    if (l.kind != LOCAL_PARAM && l.kind != LOCAL_OUTPUT) check_name_form(s, l.name, l.span, diag_text(c, "a %s", what));
    uint32_t seen = t->local[l.name];
    if (seen != 0) {
        const Local *o = &s->local.data[seen - 1];
        Diag *d;
        if (l.kind == LOCAL_BINDING && o->kind == LOCAL_BINDING && o->block == l.block) {
            d = diag_add(s->diags, WF_E_duplicate_name, l.span, "`%s` is bound twice in this block", name_z(c, l.name));
            diag_label(s->diags, d, o->span, "first bound here");
            diag_help(s->diags, d, "names are bound once: give the second value a name of its own");
        } else {
            d = diag_add(s->diags, WF_E_shadowed_name, l.span, "%s `%s` hides the %s of that name", what, name_z(c, l.name), local_text[o->kind]);
            diag_label(s->diags, d, o->span, "it is visible here");
            diag_help(s->diags, d, "an inner scope cannot hide an outer value: choose another name");
            l.hides = seen; /* what was meant is the inner one: no second mistake is to follow */
        }
    } else if (sema_lookup(s, c->m, NS_IMPORT, l.name) != NOT_FOUND) {
        Diag *d = diag_add(s->diags, WF_E_shadowed_name, l.span, "%s `%s` has the name of an import", what, name_z(c, l.name));
        diag_label(s->diags, d, s->symbol.data[sema_lookup(s, c->m, NS_IMPORT, l.name)].span, "imported here");
    } else if (sema_lookup(s, c->m, NS_VALUE, l.name) != NOT_FOUND) {
        Diag *d = diag_add(s->diags, WF_E_shadowed_name, l.span, "%s `%s` hides the constant of that name", what, name_z(c, l.name));
        diag_label(s->diags, d, s->symbol.data[sema_lookup(s, c->m, NS_VALUE, l.name)].span, "it is visible here");
    }
    vec_push(&s->local, l);
    if (seen == 0 || l.hides != 0) {
        t->local[l.name] = id + 1;
        vec_push(&c->undo, id);
    }
    if (l.node != 0) set_ref(c, l.node, REF_LOCAL, id);
    return id;
}

static void report_unused(Cx *c, const Local *l) {
    if (l->used || l->type == T_ERROR) return;
    Sema *s = c->s;
    switch ((LocalKind)l->kind) {
    case LOCAL_BINDING: {
        NodeId value = ast_binding(c->ast, l->node).value;
        if (has_flag(c, value, NF_WORK)) return; /* it runs for its effects and gives the call a name */
        Diag *d = diag_add(s->diags, WF_E_unused_binding, l->span, "`%s` is never used", name_z(c, l->name));
        diag_here(s->diags, d, "this value is not computed");
        diag_help(s->diags, d, "remove the line, or use the value");
        return;
    }
    case LOCAL_LOOP:
    case LOCAL_STATE:
    case LOCAL_CATCH:
    case LOCAL_LAMBDA:
    case LOCAL_PARAM:
    case LOCAL_OUTPUT: return;
    }
}

void scope_leave(Cx *c, uint32_t mark) {
    while (c->undo.len > mark) {
        const Local *l = &c->s->local.data[vec_pop(&c->undo)];
        c->s->names->local[l->name] = l->hides;
        report_unused(c, l);
    }
}

static int by_text(const void *a, const void *b) {
    const Str *x = a, *y = b;
    return str_cmp(*x, *y);
}

static Atom *sorted(Sema *s, Atom *list, uint32_t n) {
    Str *text = ARENA_ARRAY(&s->diags->arena, Str, n + 1);
    for (uint32_t i = 0; i < n; i++) text[i] = atom_str(s->atoms, list[i]);
    qsort(text, n, sizeof *text, by_text);
    for (uint32_t i = 0; i < n; i++) list[i] = atom_find(s->atoms, text[i]);
    return list;
}

Atom *names_list(Sema *s, uint32_t module, NameSpace space, uint32_t *n) {
    const struct SemaNames *t = s->names;
    *n = 0;
    for (uint32_t i = 0; i <= t->mask; i++)
        if (t->slot[i].name != 0 && t->slot[i].space == space && (t->slot[i].module == module || t->slot[i].module == 0)) ++*n;
    Atom *list = ARENA_ARRAY(&s->diags->arena, Atom, *n + 1);
    uint32_t k = 0;
    for (uint32_t i = 0; i <= t->mask; i++)
        if (t->slot[i].name != 0 && t->slot[i].space == space && (t->slot[i].module == module || t->slot[i].module == 0))
            list[k++] = t->slot[i].name;
    return sorted(s, list, *n);
}

Atom *scope_list(Cx *c, uint32_t *n) {
    Atom *list = ARENA_ARRAY(&c->s->diags->arena, Atom, c->undo.len + 1);
    *n = 0;
    for (uint32_t i = 0; i < c->undo.len; i++) list[(*n)++] = c->s->local.data[c->undo.data[i]].name;
    return sorted(c->s, list, *n);
}

uint32_t use_import(Cx *c, Atom name) {
    uint32_t id = sema_lookup(c->s, c->m, NS_IMPORT, name);
    if (id != NOT_FOUND) c->s->symbol.data[id].used = true;
    return id;
}

void suggest(Sema *s, Diag *d, Span span, Atom wrong, const Atom *candidates, uint32_t n, const char *what) {
    enum { LIST_MAX = 12 };
    Str *text = ARENA_ARRAY(&s->diags->arena, Str, n + 1);
    for (uint32_t i = 0; i < n; i++) text[i] = atom_str(s->atoms, candidates[i]);
    int best = wrong != 0 ? diag_nearest(atom_str(s->atoms, wrong), text, (int)n) : -1;
    if (best >= 0) {
        diag_help(s->diags, d, "did you mean `%s`?", text[best].p);
        diag_edit(s->diags, d, span, "%s", text[best].p);
    }
    if (n == 0 || n > LIST_MAX) return;
    Buf b = BUF_INIT;
    for (uint32_t i = 0; i < n; i++) buf_printf(&b, "%s`%s`", i ? ", " : "", text[i].p);
    diag_note(s->diags, d, "%s: %s", what, b.p);
    buf_free(&b);
}
