/* The code of steps: names that its process would choke on, and what works in a notebook but not in a step. */
#include "compiler/sema/check.h"

#include <unistd.h>

static bool in_words(const char *words, Str w) {
    for (const char *p = words; *p;) {
        size_t n = strcspn(p, " ");
        if (n == w.n && memcmp(p, w.p, n) == 0) return true;
        p += n + (p[n] == ' ');
    }
    return false;
}

static const char shell_names[] = "http_proxy https_proxy ftp_proxy all_proxy no_proxy";
static const char python_words[] =
    "and as assert async await break class continue def del elif else except finally for from global if import in is lambda "
    "nonlocal not or pass raise return try while with yield wf run";
static const char node_words[] =
    "await break case catch class const continue debugger default delete do else enum export extends finally for function if "
    "implements import in instanceof interface let new package private protected public return static super switch this throw "
    "try typeof var void while with yield wf run require module exports process";

static void check_names(Cx *c, const Symbol *y, Str lang) {
    Sema *s = c->s;
    bool python = str_is(lang, "python") || str_is(lang, "python3"), node = str_is(lang, "node");
    for (uint32_t i = 0; i < y->nparam + y->noutput; i++) {
        const SemaParam *p = &s->param.data[i < y->nparam ? y->param + i : y->output + i - y->nparam];
        if (p->node == 0) continue;
        Str name = atom_str(s->atoms, p->name);
        const char *what = i < y->nparam ? "parameter" : "output";
        Span span = ast_name_span(c->ast, p->node);
        if (in_words(shell_names, name)) {
            Diag *d = diag_add(s->diags, WF_E_name_breaks_process, span, "%s `%s` would change how programs reach the network", what, name.p);
            diag_note(s->diags, d, "values reach the code as environment variables of their names");
        } else if (python && in_words(python_words, name)) {
            diag_add(s->diags, WF_E_name_breaks_process, span, "%s `%s` is a word of Python, no variable can be called so", what, name.p);
        } else if (node && in_words(node_words, name)) {
            diag_add(s->diags, WF_E_name_breaks_process, span, "%s `%s` is a word of JavaScript, no variable can be called so", what, name.p);
        }
    }
}

/* Where a line of the script stands in the source; columns are those of the script. */
static Span line_span(const Cx *c, NodeId fence, uint32_t line, size_t col, size_t len) {
    uint32_t off = ast_fence(c->ast, fence).body, end = ast_node(c->ast, fence)->end;
    for (uint32_t k = 0; k < line && off < end; off++)
        if (c->ast->text.p[off] == '\n') k++;
    return (Span){c->ast->file, off + ast_fence_indent(c->ast, fence) + (uint32_t)col, (uint32_t)len};
}

/* A module that stands beside the .wf file but was not declared by @code. */
static void check_python_import(Cx *c, NodeId fence, uint32_t line, Str text) {
    Str rest = text;
    size_t skip = str_starts(rest, STR("import ")) ? 7 : str_starts(rest, STR("from ")) ? 5 : 0;
    if (skip == 0) return;
    rest = (Str){text.p + skip, text.n - skip};
    size_t n = 0;
    while (n < rest.n && (rest.p[n] == '_' || (rest.p[n] >= 'a' && rest.p[n] <= 'z') || (rest.p[n] >= 'A' && rest.p[n] <= 'Z') ||
                          (n > 0 && rest.p[n] >= '0' && rest.p[n] <= '9')))
        n++;
    if (n == 0 || n > 100) return;
    Str dir = str_of(c->s->sources->file[c->ast->file].path);
    while (dir.n > 0 && dir.p[dir.n - 1] != '/') dir.n--;
    Buf path = BUF_INIT;
    buf_printf(&path, "%.*s%.*s.py", STR_ARG(dir), (int)n, rest.p);
    bool file = access(path.p, F_OK) == 0;
    buf_clear(&path);
    buf_printf(&path, "%.*s%.*s/__init__.py", STR_ARG(dir), (int)n, rest.p);
    bool package = access(path.p, F_OK) == 0;
    buf_free(&path);
    if (!file && !package) return;
    Diag *d = diag_add(c->s->diags, WF_E_undeclared_import, line_span(c, fence, line, skip, n), "`%.*s` stands beside this file, but the step does not declare it",
                       (int)n, rest.p);
    diag_help(c->s->diags, d, "put `@code(\"%.*s%s\")` above the step", (int)n, rest.p, package ? "/**" : ".py");
    diag_note(c->s->diags, d, "without @code nothing of the project is visible to a step, here and on every target");
}

static void check_python_line(Cx *c, NodeId fence, uint32_t line, Str text, bool has_code) {
    Sema *s = c->s;
    if (str_starts(text, STR("return")) && (text.n == 6 || text.p[6] == ' ')) {
        Diag *d = diag_add(s->diags, WF_E_python_return, line_span(c, fence, line, 0, 6), "`return` outside a function");
        diag_help(s->diags, d, "assign the output's name: `out = ...`");
    } else if (text.p[0] == '%') {
        size_t n = 0;
        while (n < text.n && text.p[n] != ' ') n++;
        Diag *d = diag_add(s->diags, WF_E_python_magic, line_span(c, fence, line, 0, n), "`%.*s` is a notebook's magic, not Python", (int)n, text.p);
        bool pip = str_starts(text, STR("%pip")) || str_starts(text, STR("%conda"));
        diag_help(s->diags, d, pip ? "declare packages by `@packages(\"name==version\")` above the step" : "remove the line");
    } else if (text.p[0] == '!') {
        Diag *d = diag_add(s->diags, WF_E_python_shell_escape, line_span(c, fence, line, 0, 1), "`!` runs a shell in a notebook, not in Python");
        bool pip = str_starts(text, STR("!pip"));
        diag_help(s->diags, d, pip ? "declare packages by `@packages(\"name==version\")` above the step" : "use a bash step, or `subprocess.run`");
    } else if (!has_code) {
        check_python_import(c, fence, line, text);
    }
}

/* Follows strings and brackets, so that only lines which begin a statement in column 0 are looked at. */
static void check_python(Cx *c, NodeId fence, Str code, bool has_code) {
    uint32_t line = 0;
    int depth = 0;
    char quote = 0; /* of a triple-quoted string */
    for (size_t i = 0; i < code.n; line++) {
        size_t end = i;
        while (end < code.n && code.p[end] != '\n') end++;
        Str text = {code.p + i, end - i};
        if (quote == 0 && depth == 0 && text.n > 0 && text.p[0] != ' ' && text.p[0] != '\t' && text.p[0] != '#') check_python_line(c, fence, line, text, has_code);
        for (size_t k = i; k < end; k++) {
            char ch = code.p[k];
            if (quote != 0) {
                if (ch == '\\') k++;
                else if (ch == quote && k + 2 < code.n && code.p[k + 1] == quote && code.p[k + 2] == quote) quote = 0, k += 2;
                continue;
            }
            if (ch == '#') break;
            if (ch == '(' || ch == '[' || ch == '{') depth++;
            if (ch == ')' || ch == ']' || ch == '}') depth--;
            if (ch != '"' && ch != '\'') continue;
            if (k + 2 < code.n && code.p[k + 1] == ch && code.p[k + 2] == ch) {
                quote = ch;
                k += 2;
                continue;
            }
            for (k++; k < end && code.p[k] != ch; k++)
                if (code.p[k] == '\\') k++;
        }
        i = end + 1;
    }
}

/* Whether a word of that name stands in the code. */
static bool mentions(Str code, Str name) {
    for (size_t i = 0; i + name.n <= code.n; i++) {
        const char *hit = memchr(code.p + i, name.p[0], code.n - i);
        if (hit == NULL) return false;
        i = (size_t)(hit - code.p);
        if (i + name.n > code.n || memcmp(hit, name.p, name.n) != 0) continue;
        char before = i > 0 ? code.p[i - 1] : ' ', after = i + name.n < code.n ? code.p[i + name.n] : ' ';
        bool word_before = before == '_' || (before >= '0' && before <= '9') || ((before | 0x20) >= 'a' && (before | 0x20) <= 'z');
        bool word_after = after == '_' || (after >= '0' && after <= '9') || ((after | 0x20) >= 'a' && (after | 0x20) <= 'z');
        if (!word_before && !word_after) return true;
    }
    return false;
}

static void check_unused_params(Cx *c, const Symbol *y, Str code) {
    Sema *s = c->s;
    if (mentions(code, STR("WF_INPUTS"))) return;
    for (uint32_t i = y->param; i < y->param + y->nparam; i++) {
        const SemaParam *p = &s->param.data[i];
        Str name = atom_str(s->atoms, p->name);
        uint32_t local = scope_find(c, p->name);
        if (mentions(code, name) || (local != NOT_FOUND && s->local.data[local].used)) continue;
        Diag *d = diag_add(s->diags, WF_E_unused_parameter, ast_name_span(c->ast, p->node), "parameter `%s` is not used in the code of step `%s`", name.p, name_z(c, y->name));
        diag_help(s->diags, d, "remove it, or order the calls by `>>` if it only makes the step wait");
    }
}

void check_script(Cx *c, const Symbol *y) {
    Sema *s = c->s;
    AstStep x = ast_step(c->ast, y->decl);
    if (!ast_is(c->ast, x.body, AST_FENCE)) {
        check_names(c, y, STR(""));
        return;
    }
    Str lang = atom_str(s->atoms, ast_fence(c->ast, x.body).language);
    static const char *const known[] = {"bash", "sh", "python", "python3", "node"};
    bool ok = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) ok |= str_is(lang, known[i]);
    Span first = cx_span(c, x.body);
    first.len = ast_fence(c->ast, x.body).body - first.off;
    while (first.len > 0 && (c->ast->text.p[first.off + first.len - 1] == '\n' || c->ast->text.p[first.off + first.len - 1] == '\r')) first.len--;
    if (!ok) {
        Diag *d = diag_add(s->diags, WF_E_unknown_language, first, "`%s` is no language of steps", lang.p);
        Str names[5];
        for (size_t i = 0; i < 5; i++) names[i] = str_of(known[i]);
        int near = str_is(lang, "py") ? 2 : str_is(lang, "shell") || str_is(lang, "zsh") ? 0 : str_is(lang, "js") || str_is(lang, "javascript") ? 4 : diag_nearest(lang, names, 5);
        if (near >= 0) diag_help(s->diags, d, "did you mean `%s`?", known[near]);
        diag_note(s->diags, d, "languages: bash, sh, python, node; `exec [...]` runs any program");
        return;
    }
    Arena tmp = ARENA_INIT;
    Str code = ast_fence_text(c->ast, x.body, &tmp);
    bool blank = true;
    for (size_t i = 0; i < code.n; i++) blank &= code.p[i] == ' ' || code.p[i] == '\n' || code.p[i] == '\t' || code.p[i] == '\r';
    if (blank) {
        diag_add(s->diags, WF_E_empty_body, first, "step `%s` has no code", name_z(c, y->name));
    } else {
        check_names(c, y, lang);
        if (str_starts(lang, STR("python"))) check_python(c, x.body, code, find_annotation(c, x.annots, "code") != 0);
        check_unused_params(c, y, code);
    }
    arena_free(&tmp);
}
