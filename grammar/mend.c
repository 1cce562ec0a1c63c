/* Forms that people bring from Python and other languages: each is reported once, with the WF form as an edit where it can be written
   down, and then read as what was meant, so that nothing after it is reported for its sake. */
#include "grammar/parser.h"

#include <stdio.h>

#define TEXT(p, from, to) (int)((to) - (from)), (p)->text.p + (from)

static Diag *report(Parse *p, DiagCode code, Span at, const char *message) { return diag_add(p->diags, code, at, "%s", message); }

/* A finding whose fix is to replace the token at hand. */
static void report_replace(Parse *p, DiagCode code, const char *what, const char *with) {
    Span at = token_span(p, p->cur);
    Diag *d = diag_add(p->diags, code, at, "%s", what);
    diag_help(p->diags, d, "write `%s`", with);
    diag_edit(p->diags, d, at, "%s", with);
}

static bool cur_is(const Parse *p, const char *word) { return str_is(token_str(p, p->cur), word); }

/* End of the line that holds `at`, without blanks and comment. Strings that hold `#` are not looked for: used for fixes only. */
static uint32_t rest_of_line(const Parse *p, uint32_t at) {
    uint32_t end = at;
    while (end < p->text.n && p->text.p[end] != '\n' && p->text.p[end] != '\r' && p->text.p[end] != '#') end++;
    while (end > at && (p->text.p[end - 1] == ' ' || p->text.p[end - 1] == '\t')) end--;
    return end;
}

static uint32_t indentation(const Parse *p, uint32_t at) {
    uint32_t start = at;
    while (start > 0 && p->text.p[start - 1] != '\n') start--;
    uint32_t n = 0;
    while (start + n < p->text.n && (p->text.p[start + n] == ' ' || p->text.p[start + n] == '\t')) n++;
    return n;
}

/* --- tokens that WF does not have --- */

static void mend_quoted(Parse *p) {
    Str raw = {p->text.p + p->cur->off + 1, p->cur->end - p->cur->off - 2};
    Buf with = BUF_INIT;
    buf_addc(&with, '"');
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '"' || (raw.p[i] == '$' && i + 1 < raw.n && raw.p[i + 1] == '{')) buf_addc(&with, '\\');
        if (raw.p[i] == '\\' && i + 1 < raw.n && raw.p[i + 1] == '\'') continue;
        buf_addc(&with, raw.p[i]);
    }
    buf_addc(&with, '"');
    Span at = token_span(p, p->cur);
    Diag *d = report(p, WF_E_single_quotes, at, "strings stand in double quotes");
    diag_help(p->diags, d, "write `%.60s%s`", buf_cstr(&with), with.n > 60 ? "..." : "");
    diag_edit(p->diags, d, at, "%s", buf_cstr(&with));
    buf_free(&with);
}

static void mend_triple(Parse *p) {
    uint32_t off = p->cur->off + 3, end = p->cur->end;
    Diag *d = report(p, WF_E_triple_quotes, parse_span(p, p->cur->off, p->cur->off + 3), "text of several lines is a code fence");
    bool closed = end >= off + 3 && p->text.p[end - 1] == p->text.p[off - 1] && p->text.p[end - 2] == p->text.p[off - 1];
    if (!closed) {
        diag_help(p->diags, d, "open it with ```text and close it with ``` on a line of its own");
        return;
    }
    end -= 3;
    bool own_line = off < end && p->text.p[off] == '\n';
    while (end > off && (p->text.p[end - 1] == ' ' || p->text.p[end - 1] == '\t')) end--;
    bool last_line = end > off && p->text.p[end - 1] == '\n';
    diag_help(p->diags, d, "write it between ```text and a line of ```");
    diag_edit(p->diags, d, token_span(p, p->cur), "```text%s%.*s%s```", own_line ? "" : "\n", TEXT(p, off, end), last_line ? "" : "\n");
    d->unsafe_fix = true;
}

/* f"{x}": the prefix goes, and the braces of an f-string get their `$`. */
static void mend_prefix(Parse *p) {
    char prefix = (char)(p->text.p[p->cur->off] | 32);
    Diag *d = diag_add(p->diags, WF_E_string_prefix, token_span(p, p->cur), "strings have no prefix `%.*s`", TEXT(p, p->cur->off, p->cur->end));
    diag_help(p->diags, d, prefix == 'f' ? "values stand in `${ }`" : "leave the prefix away");
    diag_edit(p->diags, d, token_span(p, p->cur), "%s", "");
    if (prefix != 'f' || p->next->kind != TOK_STRING) return;
    for (uint32_t i = p->next->off; i < p->next->end; i++) {
        if (p->text.p[i] == '{' && p->text.p[i + 1] == '{') i++;
        else if (p->text.p[i] == '{') diag_edit(p->diags, d, parse_span(p, i, i), "$");
    }
}

static bool mend_semicolon(Parse *p) {
    Diag *d = report(p, WF_E_semicolon, token_span(p, p->cur), "statements end with their line");
    bool last = p->next->first || p->next->kind == TOK_EOF || p->next->kind == TOK_RBRACE;
    diag_help(p->diags, d, last ? "leave the `;` away" : "begin a new line");
    uint32_t end = p->cur->end;
    if (!last)
        while (p->text.p[end] == ' ') end++;
    uint32_t indent = indentation(p, p->cur->off);
    diag_edit(p->diags, d, parse_span(p, p->cur->off, end), "%s%*s", last ? "" : "\n", last ? 0 : (int)indent, "");
    if (!p->next->first && p->next->kind != TOK_EOF) p->next->first = true; /* what follows is a statement of its own */
    return false;
}

static void mend_augment(Parse *p) {
    Diag *d = diag_add(p->diags, WF_E_augmented_assignment, token_span(p, p->cur), "names are bound once, `%.*s` would change one",
                       TEXT(p, p->cur->off, p->cur->end));
    diag_help(p->diags, d, "give the new value a name of its own, or collect values with `for` and `repeat`");
    p->cur->kind = TOK_ASSIGN;
}

/* A value that is one word, so that an edit can put it elsewhere. */
static bool is_simple(const Parse *p, const Token *t, char before, char after) {
    (void)p;
    return (t->kind == TOK_NAME || t->kind == TOK_INT || t->kind == TOK_FLOAT || t->kind == TOK_STRING) && before != '.' && after != '.' &&
           after != '(' && after != '[';
}

static bool operands_are_simple(const Parse *p, const Token *left, const Token *right) {
    char before = left->off > 0 ? p->text.p[left->off - 1] : ' ';
    return is_simple(p, left, before, ' ') && is_simple(p, right, ' ', p->text.p[right->end]) && !right->first;
}

static void mend_power(Parse *p) {
    Diag *d = report(p, WF_E_power_operator, token_span(p, p->cur), "there is no operator `**`");
    diag_help(p->diags, d, "write `pow(a, b)`");
    const Token *left = parse_recent(p, 1), *right = p->next;
    if (operands_are_simple(p, left, right))
        diag_edit(p->diags, d, parse_span(p, left->off, right->end), "pow(%.*s, %.*s)", TEXT(p, left->off, left->end), TEXT(p, right->off, right->end));
    p->cur->kind = TOK_STAR;
}

/* --- words --- */

/* Blocks of Python and the like: nothing in them is WF, so all up to the next line at the indentation of the first is dropped. */
static void skip_indented(Parse *p) {
    uint32_t indent = indentation(p, p->cur->off), end = p->cur->off, eol = rest_of_line(p, end);
    bool braces = p->text.p[eol - 1] == '{';
    for (;;) {
        while (end < p->text.n && p->text.p[end] != '\n') end++;
        if (end == p->text.n) break;
        uint32_t line = end + 1, n = 0;
        while (line + n < p->text.n && (p->text.p[line + n] == ' ' || p->text.p[line + n] == '\t')) n++;
        char c = line + n < p->text.n ? p->text.p[line + n] : '\n';
        if (c == '}' && n == indent && braces) { /* the closer of `def f() {` */
            end = line + n + 1;
            break;
        }
        if (n <= indent && c != '\n' && c != '\r' && line + n < p->text.n) break;
        end = line + n;
    }
    p->drop_until = end;
    p->lexer.diags = NULL;
    feeder_line_end(p);
    feeder_skip_statement(p);
    while (p->next->kind != TOK_EOF && p->next->off < end) lexer_next(&p->lexer, p->next);
    p->lexer.diags = p->diags;
    p->prev = TOK_RBRACE;
}

static const char *const words[] = {"def", "class", "async", "function", "func", "task"};
static const char *const binders[] = {"let", "const", "var", "val"};
static const char *const others[] = {"elif", "lambda", "is", "from", "while", "None", "True", "False"};

/* In the usual case these are the first names of the table, and the filter is exact. */
void mend_words(Parse *p) {
#define INTERN(list)                                                          \
    for (size_t i = 0; i < sizeof(list) / sizeof *(list); i++) {              \
        Atom a = parser_atom(p, (list)[i]);                                   \
        if (a > p->foreign) p->foreign = a;                                   \
    }
    INTERN(words)
    INTERN(binders)
    INTERN(others)
#undef INTERN
}

static bool mend_foreign_declaration(Parse *p) {
    if (p->next->first || (p->next->kind != TOK_NAME && p->next->kind != TOK_TYPE)) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!cur_is(p, words[i])) continue;
        Diag *d = diag_add(p->diags, WF_E_foreign_declaration, token_span(p, p->cur), "`%s` declares nothing here", words[i]);
        diag_help(p->diags, d,
                  "code of another language is a `step` with a fence: step name(x: int) -> int, then ```python; "
                  "an expression over its parameters is a `fn`: fn name(x: int) -> int = x + 1");
        skip_indented(p);
        return false;
    }
    for (size_t i = 0; i < sizeof binders / sizeof *binders; i++) {
        if (!cur_is(p, binders[i]) || p->next->kind != TOK_NAME) continue;
        Diag *d = diag_add(p->diags, WF_E_foreign_declaration, token_span(p, p->cur), "a name is bound without `%s`", binders[i]);
        diag_help(p->diags, d, "leave the word away");
        diag_edit(p->diags, d, parse_span(p, p->cur->off, p->next->off), "%s", "");
        p->next->first |= p->cur->first;
        return false;
    }
    return true;
}

static bool mend_while(Parse *p) {
    uint8_t next = p->next->kind;
    if (p->next->first || next == TOK_ASSIGN || next == TOK_COLON || next == TOK_DOT || next == TOK_QDOT) return true;
    Diag *d = report(p, WF_E_while_loop, token_span(p, p->cur), "there is no `while`: loops have a bound");
    diag_help(p->diags, d, "write `repeat s = first max 20 until done(s) { next(s) }`, or `for x in xs { ... }` over a list");
    feeder_line_end(p);
    feeder_skip_statement(p);
    return false;
}

static bool mend_from_import(Parse *p) {
    uint32_t end = rest_of_line(p, p->cur->off), from = p->next->off, to = from;
    while (to < end && p->text.p[to] != ' ') to++;
    if (p->header == TOK_IMPORT && !p->cur->first) { /* import a as b from c */
        Diag *d = report(p, WF_E_python_import, parse_span(p, p->cur->off, end), "an import names its module alone");
        diag_help(p->diags, d, "leave the rest away");
        diag_edit(p->diags, d, parse_span(p, p->prev_end, end), "%s", "");
    } else if (p->open.len == 1 && !p->next->first && p->next->kind == TOK_NAME && (p->at_start || p->cur->first)) {
        Diag *d = report(p, WF_E_python_import, parse_span(p, p->cur->off, end), "imports name a module; its steps are used through its name");
        diag_help(p->diags, d, "write `import %.*s` and call `module.step(...)`", TEXT(p, from, to));
        diag_edit(p->diags, d, parse_span(p, p->cur->off, end), "import %.*s", TEXT(p, from, to));
        feeder_line_end(p);
        feeder_skip_statement(p);
    } else {
        return true;
    }
    p->drop_until = end;
    p->next->first |= p->next->off >= end;
    p->prev = TOK_RBRACE;
    return false;
}

/* elif c: two tokens for one. */
static bool mend_elif(Parse *p) {
    if (p->prev != TOK_RBRACE || p->next->kind == TOK_ASSIGN || p->next->kind == TOK_COLON) return true;
    report_replace(p, WF_E_elif, "`elif` is two words", "else if");
    feeder_emit(p, TOK_ELSE, token_loc(p->cur));
    p->cur->kind = TOK_IF;
    p->cur->first = false;
    return true;
}

/* lambda x: e. The parameters stay, the colon becomes an arrow when it comes. */
static bool mend_lambda(Parse *p) {
    if (p->next->kind != TOK_NAME && p->next->kind != TOK_COLON) return true;
    Diag *d = report(p, WF_E_python_lambda, token_span(p, p->cur), "a lambda is written with `=>`");
    diag_help(p->diags, d, "write `x => ...`");
    p->lambda = true;
    p->lambda_diag = p->diags->list.len - 1;
    p->lambda_open = p->open.len;
    uint32_t at = p->next->end;
    while (p->text.p[at] == ' ') at++;
    p->lambda_paren = p->text.p[at] == ',';
    diag_edit(p->diags, d, parse_span(p, p->cur->off, p->next->off), "%s", p->lambda_paren ? "(" : "");
    if (p->lambda_paren) feeder_emit(p, TOK_LPAREN, token_loc(p->cur));
    return false;
}

static bool mend_lambda_colon(Parse *p) {
    Diag *d = &p->diags->list.data[p->lambda_diag];
    if (!p->diags->muted)
        diag_edit(p->diags, d, token_span(p, p->cur), "%s", p->lambda_paren ? ") =>" : " =>");
    if (p->lambda_paren) feeder_emit(p, TOK_RPAREN, token_loc(p->cur));
    p->lambda = false;
    p->cur->kind = TOK_FATARROW;
    return true;
}

/* a is b, a is not None. */
static bool mend_is(Parse *p) {
    if (!token_ends(p->prev) || p->cur->first || p->next->first) return true;
    if (p->next->kind != TOK_NAME && p->next->kind != TOK_TYPE && !token_is_word(p->next->kind) && p->next->kind != TOK_INT && p->next->kind != TOK_STRING)
        return true;
    bool negated = p->next->kind == TOK_NOT;
    uint32_t end = negated ? p->next->end : p->cur->end;
    Diag *d = report(p, WF_E_is_operator, parse_span(p, p->cur->off, end), "values are compared with `==` and `!=`");
    diag_help(p->diags, d, "write `%s`", negated ? "!=" : "==");
    diag_edit(p->diags, d, parse_span(p, p->cur->off, end), "%s", negated ? "!=" : "==");
    p->drop_until = end;
    p->cur->kind = negated ? TOK_NE : TOK_EQ;
    p->cur->end = end;
    return true;
}

/* import "lib/steps.wf": the name is the file's. */
static void mend_unnamed_import(Parse *p) {
    Str path = token_str(p, p->cur);
    char name[64];
    size_t n = 0, from = path.n - 1;
    while (from > 1 && path.p[from - 1] != '/') from--;
    for (size_t i = from; i < path.n && n < sizeof name - 1; i++) {
        char c = path.p[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
        if (c == '-') c = '_';
        if (!((c >= 'a' && c <= 'z') || (n > 0 && c >= '0' && c <= '9') || (n > 0 && c == '_'))) break;
        name[n++] = c;
    }
    while (n > 0 && name[n - 1] == '_') n--;
    Str z = n > 0 ? (Str){name, n} : STR("lib");
    Diag *d = report(p, WF_E_import_without_name, token_span(p, p->cur), "an imported file needs a name");
    diag_help(p->diags, d, "add `as %.*s`", STR_ARG(z));
    diag_edit(p->diags, d, parse_span(p, p->cur->end, p->cur->end), " as %.*s", STR_ARG(z));
    p->diags->muted++;
    feeder_emit_string(p, (Str){path.p + 1, path.n > 1 ? path.n - 2 : 0}, token_loc(p->cur));
    feeder_emit(p, TOK_AS, token_loc(p->cur));
    feeder_emit_name(p, atom_of(p->build.ast->atoms, z), token_loc(p->cur));
    p->diags->muted--;
}

static bool mend_word(Parse *p) {
    Str s = token_str(p, p->cur);
    if (p->prev == TOK_DOT || p->prev == TOK_QDOT || p->prev == TOK_AT || s.n > 8) return true;
    if (p->cur->kind == TOK_TYPE) {
        bool none = str_is(s, "None"), yes = str_is(s, "True");
        if ((!none && !yes && !str_is(s, "False")) || token_is_declaration(p->prev)) return true;
        const char *with = none ? "none" : yes ? "true" : "false";
        char message[64];
        snprintf(message, sizeof message, "`%.*s` is written in lower case", STR_ARG(s));
        report_replace(p, WF_E_python_literal, message, with);
        p->cur->kind = none ? TOK_NONE : yes ? TOK_TRUE : TOK_FALSE;
        return true;
    }
    if (str_is(s, "elif")) return mend_elif(p);
    if (str_is(s, "lambda")) return mend_lambda(p);
    if (str_is(s, "is")) return mend_is(p);
    if (str_is(s, "from")) return mend_from_import(p);
    bool start = p->at_start || (p->cur->first && (token_ends(p->prev) || p->prev == TOK_NL));
    if (!start || parse_innermost(p)->closes != TOK_RBRACE) return true;
    if (str_is(s, "while")) return mend_while(p);
    return mend_foreign_declaration(p);
}

bool mend_token(Parse *p) {
    if (p->skipping && p->cur->kind != LEX_SEMICOLON) return p->cur->kind < LEX_COMMENT;
    switch (p->cur->kind) {
    case TOK_NAME:
    case TOK_TYPE: return mend_word(p);
    case LEX_AND: report_replace(p, WF_E_foreign_operator, "`&&` is a word here", "and"); p->cur->kind = TOK_AND; return true;
    case LEX_OR: report_replace(p, WF_E_foreign_operator, "`||` is a word here", "or"); p->cur->kind = TOK_OR; return true;
    case LEX_BANG: report_replace(p, WF_E_foreign_operator, "`!` is a word here", "not "); p->cur->kind = TOK_NOT; return true;
    case LEX_SEMICOLON: return p->skipping ? false : mend_semicolon(p);
    case LEX_POWER: mend_power(p); return true;
    case LEX_AUGMENT: mend_augment(p); return true;
    case LEX_QUOTED:
        mend_quoted(p);
        feeder_emit_string(p, (Str){p->text.p + p->cur->off + 1, p->cur->end - p->cur->off - 2}, token_loc(p->cur));
        return false;
    case LEX_TRIPLE:
        mend_triple(p);
        feeder_emit_string(p, STR(""), token_loc(p->cur));
        return false;
    case LEX_PREFIX: mend_prefix(p); return false;
    case LEX_BAD: feeder_skip_statement(p); return false;
    default: return false;
    }
}

/* --- forms that only the parser's state tells --- */

void mend_close_block(Parse *p) {
    Bracket b = vec_pop(&p->open);
    Diag *d = &p->diags->list.data[b.diag];
    const Token *last = parse_recent(p, 1);
    diag_edit(p->diags, d, parse_span(p, last->end, last->end), "\n%*s}", (int)b.indent, "");
    if (p->skipping && p->open.len < p->skip_level) p->skipping = false;
    feeder_emit(p, TOK_RBRACE, (Loc){last->end, last->end});
}

void mend_close_blocks(Parse *p) {
    while (parse_innermost(p)->opens == TOK_COLON && (p->cur->kind == TOK_EOF || indentation(p, p->cur->off) <= parse_innermost(p)->indent))
        mend_close_block(p);
}

/* if c: with an indented block. */
static bool mend_colon_block(Parse *p) {
    Diag *d = report(p, WF_E_colon_block, token_span(p, p->cur), "a block stands in braces");
    diag_help(p->diags, d, "write `{ ... }`");
    uint32_t from = p->cur->off;
    while (from > 0 && p->text.p[from - 1] == ' ') from--;
    diag_edit(p->diags, d, parse_span(p, from, p->cur->end), " {");
    uint32_t diag = p->diags->list.len - 1;
    feeder_emit(p, TOK_LBRACE, token_loc(p->cur));
    feeder_open(p, TOK_COLON, TOK_RBRACE);
    parse_innermost(p)->indent = indentation(p, p->cur->off);
    parse_innermost(p)->diag = diag;
    return false;
}

bool mend_brace_line(Parse *p) {
    if (p->skipping || !parser_accepts(p, TOK_LBRACE)) return false;
    Diag *d = report(p, WF_E_brace_on_next_line, token_span(p, p->cur), "a block opens on the line that it belongs to");
    diag_label(p->diags, d, parse_span(p, p->prev_end, p->prev_end), "here");
    diag_help(p->diags, d, "write the `{` there");
    diag_edit(p->diags, d, parse_span(p, p->prev_end, p->cur->end), " {");
    return true;
}

/* { } where a value belongs: a record when its first key is a name, else a map. */
static bool mend_braces(Parse *p) {
    uint32_t after = p->next->end;
    while (p->text.p[after] == ' ') after++;
    bool keyed = p->text.p[after] == ':', word = token_is_word(p->next->kind) || p->next->kind == TOK_NAME;
    bool record = (word && keyed) || token_ends(p->prev);
    bool map = (p->next->kind == TOK_STRING && keyed) || p->next->kind == TOK_STRHEAD || p->next->kind == TOK_RBRACE;
    if (!record && !map) return true; /* a block, which has no value of its own; or a set */
    Diag *d = report(p, WF_E_braces_as_value, token_span(p, p->cur),
                     record ? "a record stands in parentheses" : "a map stands in square brackets");
    diag_help(p->diags, d, record ? "write `(name: value)`; braces hold statements" : "write `[\"key\": value]`; braces hold statements");
    uint32_t from = token_ends(p->prev) ? p->prev_end : p->cur->off;
    diag_edit(p->diags, d, parse_span(p, from, p->cur->end), record ? "(" : "[");
    uint32_t diag = p->diags->list.len - 1;
    feeder_emit(p, record ? TOK_LPAREN : TOK_LBRACK, token_loc(p->cur));
    feeder_open(p, TOK_LBRACE, record ? TOK_RPAREN : TOK_RBRACK);
    parse_innermost(p)->diag = diag;
    parse_innermost(p)->edit = true;
    if (p->next->kind == TOK_RBRACE) {
        diag_edit(p->diags, &p->diags->list.data[diag], parse_span(p, p->cur->end, p->cur->end), ":");
        feeder_emit(p, TOK_COLON, token_loc(p->cur));
    }
    return false;
}

/* x in xs, x not in xs. */
static bool mend_membership(Parse *p, bool negated) {
    uint32_t end = negated ? p->next->end : p->cur->end;
    Diag *d = report(p, WF_E_membership_test, parse_span(p, p->cur->off, end), "`in` belongs to `for`");
    diag_help(p->diags, d, negated ? "write `not xs.contains(x)`" : "write `xs.contains(x)`");
    const Token *left = parse_recent(p, 1), *right = p->next;
    if (!negated && operands_are_simple(p, left, right) && right->kind == TOK_NAME)
        diag_edit(p->diags, d, parse_span(p, left->off, right->end), "%.*s.contains(%.*s)", TEXT(p, right->off, right->end), TEXT(p, left->off, left->end));
    p->cur->kind = negated ? TOK_NE : TOK_EQ;
    p->cur->end = end;
    if (negated) p->drop_until = end;
    return true;
}

/* Reads ahead on this line from the token at hand to the end of the value it stands in; *word is the place of `kind` in it. */
static uint32_t value_end(const Parse *p, uint8_t kind, uint32_t *word) {
    Lexer ahead = p->lexer;
    ahead.diags = NULL;
    ahead.pragma = NULL;
    uint32_t end = p->cur->end, depth = 0;
    for (Token t = *p->next; t.kind != TOK_EOF; lexer_next(&ahead, &t)) {
        if (depth == 0 && (t.first || t.kind == TOK_COMMA || t.kind == TOK_STRTAIL || t.kind == TOK_STRMID)) break;
        if (t.kind == TOK_LPAREN || t.kind == TOK_LBRACK || t.kind == TOK_LBRACE || t.kind == TOK_STRHEAD) depth++;
        if (t.kind == TOK_RPAREN || t.kind == TOK_RBRACK || t.kind == TOK_RBRACE || t.kind == TOK_STRTAIL)
            if (depth-- == 0) break;
        if (depth == 0 && t.kind == kind && *word == 0) *word = t.off;
        end = t.end;
    }
    return end;
}

/* a if c else b. */
static bool mend_conditional(Parse *p) {
    uint32_t otherwise = 0, end = value_end(p, TOK_ELSE, &otherwise), from = parse_innermost(p)->value;
    Diag *d = report(p, WF_E_python_conditional, token_span(p, p->cur), "the condition comes first");
    diag_help(p->diags, d, "write `if c { a } else { b }`");
    if (otherwise != 0 && from < p->cur->off && from != 0)
        diag_edit(p->diags, d, parse_span(p, from, end), "if %.*s { %.*s } else { %.*s }", TEXT(p, p->next->off, otherwise - 1),
                  TEXT(p, from, p->prev_end), TEXT(p, otherwise + 5 < end ? otherwise + 5 : end, end));
    p->drop_until = end;
    return false;
}

/* [f(x) for x in xs if c]. */
static bool mend_comprehension(Parse *p) {
    uint32_t none = 0, end = value_end(p, TOK_EOF, &none);
    Bracket *b = parse_innermost(p);
    Diag *d = report(p, WF_E_comprehension, token_span(p, p->cur), "the loop comes first");
    diag_help(p->diags, d, "write `for x in xs { f(x) }`; its value is the list");
    bool list = b->opens == TOK_LBRACK;
    uint32_t to = end;
    while (p->text.p[to] == ' ') to++;
    uint32_t from = b->value;
    if (p->text.p[to] == ']' || p->text.p[to] == ')')
        diag_edit(p->diags, d, parse_span(p, list ? b->off : from, list ? to + 1 : to), "%.*s { %.*s }", TEXT(p, p->cur->off, end), TEXT(p, from, p->prev_end));
    p->drop_until = end;
    return false;
}

/* f(x = 1): arguments are named with a colon. */
static bool mend_keyword_argument(Parse *p) {
    uint32_t from = p->prev_end, end = p->cur->end;
    while (p->text.p[end] == ' ') end++;
    Diag *d = report(p, WF_E_keyword_argument, token_span(p, p->cur), "arguments are named with a colon");
    diag_help(p->diags, d, "write `name: value`");
    diag_edit(p->diags, d, parse_span(p, from, end), ": ");
    p->cur->kind = TOK_COLON;
    return true;
}

bool mend_before_feed(Parse *p) {
    bool after_value = token_ends(p->prev) && !p->cur->first;
    switch ((int)p->cur->kind) {
    case TOK_COLON:
        if (p->lambda && p->open.len == p->lambda_open) return mend_lambda_colon(p);
        if (p->next->first && parse_innermost(p)->closes == TOK_RBRACE && parser_accepts(p, TOK_LBRACE) && !parser_accepts(p, TOK_COLON))
            return mend_colon_block(p);
        return true;
    case TOK_LBRACE:
        if ((token_ends(p->prev) && p->prev != TOK_TYPE) || parser_accepts(p, TOK_LBRACE) || !parser_accepts(p, TOK_LPAREN)) return true;
        return mend_braces(p);
    case TOK_IN: return !after_value || parser_accepts(p, TOK_IN) || !parser_accepts(p, TOK_EQ) || mend_membership(p, false);
    case TOK_NOT:
        return !after_value || p->next->kind != TOK_IN || parser_accepts(p, TOK_NOT) || !parser_accepts(p, TOK_NE) || mend_membership(p, true);
    case TOK_IF: return !after_value || parser_accepts(p, TOK_IF) || mend_conditional(p);
    case TOK_FOR:
        return !after_value || parse_innermost(p)->closes == TOK_RBRACE || parser_accepts(p, TOK_FOR) || mend_comprehension(p);
    case TOK_QQ:
        if (parser_accepts(p, TOK_QQ) || !parser_accepts(p, TOK_QUEST)) return true;
        report_replace(p, WF_E_double_optional, "`T??` is `T?`: a value is absent once", "?");
        p->cur->kind = TOK_QUEST;
        return true;
    case TOK_ASSIGN:
        if (parse_innermost(p)->closes != TOK_RPAREN || p->header == TOK_STEP || parser_accepts(p, TOK_ASSIGN) || !parser_accepts(p, TOK_COLON))
            return true;
        return mend_keyword_argument(p);
    case TOK_STRING:
        if (p->prev != TOK_IMPORT || (p->next->kind == TOK_AS && !p->next->first)) return true;
        mend_unnamed_import(p);
        return false;
    default: return true;
    }
}
