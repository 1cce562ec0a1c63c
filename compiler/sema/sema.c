/* The whole check: files and their imports, then declarations, then bodies. */
#include "compiler/sema/check.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "grammar/parse.h"

static uint32_t add_module(Sema *s, FileId file, Atom name, bool embedded) {
    uint32_t id = s->module.len;
    vec_push(&s->module, ((Module){.file = file, .name = name, .embedded = embedded}));
    Ast ast;
    parse_file(&ast, s->sources, file, s->atoms, s->diags);
    Module *m = &s->module.data[id];
    m->ast = ast;
    m->type = wf_alloc_zero(m->ast.node.len * sizeof *m->type);
    m->ref = wf_alloc_zero(m->ast.node.len * sizeof *m->ref);
    m->flag = wf_alloc_zero(m->ast.node.len);
    return id;
}

static const EmbeddedFile *find_embedded(const Sema *s, const char *path) {
    for (const EmbeddedFile *f = s->embedded; f->path != NULL; f++)
        if (strcmp(f->path, path) == 0) return f;
    return NULL;
}

static void load_imports(Sema *s, uint32_t module);

static uint32_t find_module(const Sema *s, FileId file) {
    for (uint32_t i = 0; i < s->module.len; i++)
        if (s->module.data[i].file == file) return i;
    return NOT_FOUND;
}

/* Loads a file once; NOT_FOUND when it is on the way already: check_cycles reports it. */
static uint32_t load(Sema *s, uint32_t from, FileId file, Atom name, bool embedded, Span at) {
    uint32_t id = find_module(s, file);
    bool fresh = id == NOT_FOUND;
    if (fresh) id = add_module(s, file, name, embedded);
    vec_push(&s->import, ((SemaImport){from, id, at}));
    if (fresh) load_imports(s, id);
    return s->module.data[id].loading ? NOT_FOUND : id;
}

static uint32_t import_std(Sema *s, uint32_t from, Span at, Atom path) {
    Str dotted = atom_str(s->atoms, path);
    Buf file = BUF_INIT;
    for (size_t i = 0; i < dotted.n; i++) buf_addc(&file, dotted.p[i] == '.' ? '/' : dotted.p[i]);
    buf_z(&file, ".wf");
    const EmbeddedFile *f = find_embedded(s, file.p);
    uint32_t id = NOT_FOUND;
    if (f != NULL && str_starts(dotted, STR("std."))) {
        FileId have = sources_find(s->sources, str_of(f->path));
        FileId fid = have != 0 ? have : sources_add_static(s->sources, str_of(f->path), (Str){f->text, f->size});
        s->sources->file[fid].embedded = true;
        id = load(s, from, fid, path, true, at);
    } else {
        Diag *d = diag_add(s->diags, WF_E_unknown_module, at, "there is no module `%s`", dotted.p);
        Atom names[64];
        uint32_t n = 0;
        for (const EmbeddedFile *e = s->embedded; e->path != NULL && n < 64; e++) {
            Str p = str_of(e->path);
            if (!str_starts(p, STR("std/"))) continue;
            Buf b = BUF_INIT;
            buf_printf(&b, "std.%.*s", (int)(p.n - 7), p.p + 4);
            names[n++] = atom_of(s->atoms, buf_view(&b));
            buf_free(&b);
        }
        suggest(s, d, at, path, names, n, "modules");
        d->edits.len = 0;
        for (uint32_t i = 0; i < n; i++)
            if (str_eq(dotted, (Str){atom_str(s->atoms, names[i]).p + 4, atom_str(s->atoms, names[i]).n - 4}))
                diag_help(s->diags, d, "did you mean `%s`?", atom_cstr(s->atoms, names[i]));
        diag_note(s->diags, d, "a file of the project is imported by its path: `import \"lib/steps.wf\" as lib`");
    }
    buf_free(&file);
    return id;
}

static uint32_t import_file(Sema *s, uint32_t from, Span at, Str name) {
    if (str_starts(name, STR("git+")) || str_starts(name, STR("http://")) || str_starts(name, STR("https://"))) {
        Diag *d = diag_add(s->diags, WF_E_remote_import, at, "`%.*s` is not in wf.lock", STR_ARG(name));
        diag_note(s->diags, d, "remote imports are read from the lock file only, and this version cannot write one yet");
        return NOT_FOUND;
    }
    Arena tmp = ARENA_INIT;
    Str here = str_of(s->sources->file[s->module.data[from].file].path);
    char *path = path_clean(&tmp, str_of(path_join(&tmp, path_dir(here), name)));
    FileId fid = memchr(name.p, '\0', name.n) ? 0 : sources_find(s->sources, str_of(path));
    uint32_t id = NOT_FOUND;
    int e = fid != 0 ? 0 : memchr(name.p, '\0', name.n) ? EINVAL : sources_read(s->sources, path, &fid);
    if (e != 0) {
        Diag *d = diag_add(s->diags, WF_E_unreadable_import, at, "cannot read `%s`: %s", path, strerror(e));
        diag_note(s->diags, d, "paths are relative to the file that imports");
    } else {
        id = load(s, from, fid, atom_z(s->atoms, path), false, at);
    }
    arena_free(&tmp);
    return id;
}

static void load_imports(Sema *s, uint32_t module) {
    s->module.data[module].loading = true;
    const Ast *ast = &s->module.data[module].ast;
    AstList items = ast_file(ast, ast->root).items;
    for (uint32_t i = 0; i < items.n; i++) {
        ast = &s->module.data[module].ast; /* the array of modules grows below */
        NodeId item = items.at[i];
        if (!ast_is(ast, item, AST_IMPORT)) continue;
        AstImport x = ast_import(ast, item);
        Span at = ast_span(ast, item);
        uint32_t target;
        if (x.text != 0)
            target = import_file(s, module, ast_span(ast, x.text), ast_string(ast, x.text));
        else
            target = import_std(s, module, at, x.path);
        ast = &s->module.data[module].ast;
        uint32_t id = s->symbol.len, other;
        vec_push(&s->symbol, ((Symbol){.kind = SYM_IMPORT, .module = module, .decl = item, .name = x.alias, .span = ast_name_span(ast, item), .target = target,
                                       .used = target == NOT_FOUND}));
        if (x.alias != 0 && !names_add(s, module, NS_IMPORT, x.alias, id, &other)) {
            Diag *d = diag_add(s->diags, WF_E_duplicate_name, ast_name_span(ast, item), "two imports are called `%s`", atom_cstr(s->atoms, x.alias));
            diag_label(s->diags, d, s->symbol.data[other].span, "the first");
            diag_help(s->diags, d, "give one of them another name with `as`");
        }
    }
    s->module.data[module].loading = false;
}

void forget_before(Sema *s, uint32_t module, NodeId node) {
    enum { STEP = 1 << 18 }; /* nodes between two calls of the kernel */
    Module *m = &s->module.data[module];
    if (s->keep) return;
    s->local.len = 0;
    if (node < m->forgotten + STEP) return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct {
        void *at;
        size_t size;
    } table[] = {{m->type, sizeof *m->type}, {m->ref, sizeof *m->ref}, {m->flag, sizeof *m->flag}};
    for (size_t i = 0; i < 3; i++) {
        uintptr_t from = ((uintptr_t)table[i].at + m->forgotten * table[i].size + page - 1) & ~(page - 1);
        uintptr_t to = ((uintptr_t)table[i].at + node * table[i].size) & ~(page - 1);
        if (to > from) madvise((void *)from, to - from, MADV_DONTNEED); /* anonymous memory: it reads as zero again */
    }
    m->forgotten = node;
}

static void declare_all(Sema *s, uint32_t from, uint32_t to) {
    for (uint32_t m = from; m < to; m++) declare_module(s, m);
    for (uint32_t m = from; m < to; m++) declare_types(s, m);
    check_type_cycles(s);
    for (uint32_t m = from; m < to; m++) declare_signatures(s, m);
}

bool sema_check(Sema *s, Sources *sources, Atoms *atoms, Types *types, Diags *diags, const EmbeddedFile *embedded, FileId main, bool keep) {
    *s = (Sema){.keep = keep, .sources = sources, .atoms = atoms, .diags = diags, .types = types, .embedded = embedded};
    names_init(s);
    libs_init(s);
    const EmbeddedFile *prelude = find_embedded(s, "prelude.wf");
    FileId pid = sources_add_static(sources, str_of(prelude->path), (Str){prelude->text, prelude->size});
    sources->file[pid].embedded = true;
    add_module(s, pid, atom_z(atoms, "prelude"), true);
    declare_all(s, 0, 1);
    uint32_t failure = sema_lookup(s, 0, NS_TYPE, atom_z(atoms, "Failure"));
    s->failure = failure != NOT_FOUND ? s->symbol.data[failure].type : T_ERROR;
    add_module(s, main, 0, false);
    load_imports(s, 1);
    declare_all(s, 1, s->module.len);
    for (uint32_t m = 0; m < s->module.len; m++) check_bodies(s, m);
    check_cycles(s);
    if (diags->nerrors == 0) check_unused(s);
    apply_allowances(s);
    diags_sort(diags);
    drop_consequences(s);
    return diags->nerrors == 0;
}

void sema_free(Sema *s) {
    for (uint32_t i = 0; i < s->module.len; i++) {
        Module *m = &s->module.data[i];
        ast_free(&m->ast);
        free(m->type);
        free(m->ref);
        free(m->flag);
    }
    vec_free(&s->module);
    vec_free(&s->symbol);
    vec_free(&s->param);
    vec_free(&s->local);
    vec_free(&s->included);
    vec_free(&s->order);
    vec_free(&s->call);
    vec_free(&s->import);
    names_free(s);
    libs_free(s);
    arena_free(&s->arena);
}
