/* What is said about a token that the grammar does not allow. */
#include "grammar/parser.h"


static bool has(const uint8_t *expected, unsigned n, uint8_t kind) {
    for (unsigned i = 0; i < n; i++)
        if (expected[i] == kind) return true;
    return false;
}

static bool only(const uint8_t *expected, unsigned n, uint8_t kind) { return n == 1 && expected[0] == kind; }

/* "`=`", "a name", "the end of the line"; without the article where it is what was found. */
static void add_kind(Buf *b, uint8_t kind, bool article) {
    const char *text = token_text(kind);
    switch ((int)kind) {
    case TOK_EOF: buf_z(b, &"the end of the file"[article ? 0 : 4]); return;
    case TOK_NL: buf_z(b, &"the end of the line"[article ? 0 : 4]); return;
    case TOK_NAME:
    case TOK_STRING:
    case TOK_FLOAT:
    case TOK_DURATION:
    case TOK_SIZE:
    case TOK_FENCE: buf_printf(b, "%s%s", article ? "a " : "", text); return;
    case TOK_TYPE: buf_z(b, &"a type's name"[article ? 0 : 2]); return;
    case TOK_INT: buf_z(b, &"an integer"[article ? 0 : 3]); return;
    case TOK_STRHEAD: buf_z(b, &"a string"[article ? 0 : 2]); return;
    case TOK_STRMID:
    case TOK_STRTAIL: buf_z(b, &"the `}` of the string"[article ? 0 : 4]); return;
    default: buf_printf(b, "`%s`", text); return;
    }
}

static bool is_operator(uint8_t k) {
    return (k >= TOK_THEN && k <= TOK_QBRACK && k != TOK_FATARROW && k != TOK_ARROW) || (k >= TOK_PLUS && k <= TOK_PERCENT) || k == TOK_DOT ||
           k == TOK_AND || k == TOK_OR || k == TOK_AS || k == TOK_WITH;
}

/* The expected tokens as a list, or as a class where an expression, an operator or a declaration may stand. */
static void add_expected(Buf *b, const uint8_t *expected, unsigned n) {
    bool expression = has(expected, n, TOK_NAME) && has(expected, n, TOK_FLOAT), operators = has(expected, n, TOK_PLUS) && !expression;
    bool declarations = has(expected, n, TOK_WORKFLOW) && has(expected, n, TOK_STEP);
    bool type = has(expected, n, TOK_NAME) && has(expected, n, TOK_TYPE) && has(expected, n, TOK_LBRACK) && !expression;
    unsigned shown = 0;
    const char *classes[4];
    unsigned nclasses = 0;
    if (declarations) classes[nclasses++] = "a declaration";
    if (expression) classes[nclasses++] = "an expression";
    if (type) classes[nclasses++] = "a type";
    if (operators) classes[nclasses++] = "an operator";
    uint8_t rest[TOKEN_KINDS];
    unsigned nrest = 0;
    for (unsigned i = 0; i < n; i++) {
        uint8_t k = expected[i];
        if (expression && (k == TOK_NAME || k == TOK_TYPE || (k >= TOK_INT && k <= TOK_FENCE && k != TOK_STRMID && k != TOK_STRTAIL) ||
                           k == TOK_MINUS || k == TOK_LPAREN || k == TOK_LBRACK || k == TOK_NOT || (k >= TOK_IF && k <= TOK_NONE && k != TOK_ELSE &&
                           k != TOK_IN && k != TOK_CATCH && k != TOK_AND && k != TOK_OR && k != TOK_RETURN)))
            continue;
        if (type && (k == TOK_NAME || k == TOK_TYPE || k == TOK_LBRACK || k == TOK_LPAREN)) continue;
        if (operators && (is_operator(k) || k == TOK_LPAREN || k == TOK_LBRACK || k == TOK_QUEST)) continue;
        if (declarations && (token_is_declaration(k) || k == TOK_AT || k == TOK_NAME || k == TOK_EOF)) continue;
        if (k == TOK_STRHEAD || k == TOK_STRMID || (k == TOK_NL && n > 1 && !operators)) continue;
        rest[nrest++] = k;
    }
    if (nrest > 6) nrest = nclasses > 0 ? 0 : 6;
    for (unsigned i = 0; i < nclasses + nrest; i++, shown++) {
        if (shown > 0) buf_z(b, i + 1 == nclasses + nrest ? " or " : ", ");
        if (i < nrest) add_kind(b, rest[i], true);
        else buf_z(b, classes[i - nrest]);
    }
}

static void add_found(Parse *p, Buf *b, TokenKind kind, Loc at) {
    if ((kind == TOK_NAME || kind == TOK_TYPE) && at.end > at.off && at.end - at.off < 64)
        buf_printf(b, "`%.*s`", (int)(at.end - at.off), p->text.p + at.off);
    else add_kind(b, (uint8_t)kind, false);
}

/* The line before ended in the middle of a statement, and this token came in its place. */
static bool is_unfinished(const Parse *p, Loc at) {
    if (p->resumed == 0 || at.off < p->resumed) return false;
    if (p->cur->first && p->cur->off == p->resumed) return true;
    const Token *before = parse_recent(p, 1);
    return before->off == p->resumed && before->first; /* `x =` and then `y = 1`: the second `=` is what does not fit */
}

/* A sentence for the places where the list of tokens would not help. */
static const char *advice(const Parse *p, TokenKind kind, const uint8_t *expected, unsigned n) {
    if (p->header == TOK_STEP && p->open.len == 1 && (kind == TOK_FENCE || kind == TOK_EXEC)) return "a step has one body";
    if (p->header == TOK_FN && (kind == TOK_LBRACE || kind == TOK_FENCE)) return "the body of a `fn` is one expression: fn name(x: int) -> int = x + 1";
    if (kind == TOK_LBRACE && has(expected, n, TOK_LPAREN) && p->prev != TOK_FATARROW)
        return "braces hold statements; a record stands in `( )`, a list or map in `[ ]`";
    if (kind == TOK_LBRACE && p->prev == TOK_FATARROW) return "a lambda's body is one expression";
    if (kind == TOK_FATARROW) return "lambdas are arguments: xs.map(x => x + 1)";
    if (kind == TOK_EDITION) return "`edition` is the first statement of a file";
    if ((kind == TOK_EXPECT || kind == TOK_GIVEN) && p->header != TOK_TEST) return "`given` and `expect` belong in a `test`";
    if (p->prev == TOK_NAME && kind == TOK_ASSIGN && only(expected, n, TOK_COLON)) return "a parameter has a type: name: type = default";
    if (has(expected, n, TOK_COLON) && n <= 2 && p->header != 0 && p->open.len == 2) return "a parameter has a type: name: type";
    if (kind >= TOK_EQ && kind <= TOK_GT && !has(expected, n, TOK_EQ) && has(expected, n, TOK_AND)) return "comparisons do not chain; join them with `and`";
    if (kind == TOK_AT && !has(expected, n, TOK_AT)) return "an annotation stands on a line of its own, above a declaration or statement";
    if (kind == TOK_FENCE && has(expected, n, TOK_PLUS)) return "a code fence is a value of its own, or the body of a step";
    if (kind == TOK_THEN) return "`>>` orders whole statements; put it in parentheses here";
    return NULL;
}

void parser_unexpected(Parse *p, TokenKind kind, Loc at, const uint8_t *expected, unsigned n) {
    p->failed = true;
    if (p->cur->bad && p->cur->off == at.off) return; /* the lexer spoke */
    Span span = parse_span(p, at.off, at.end);
    if (token_is_reserved((uint8_t)kind) &&
        ((token_is_declaration(p->prev) && has(expected, n, TOK_NAME)) || (p->next->kind == TOK_ASSIGN && !p->next->first))) {
        Diag *d = diag_add(p->diags, WF_E_reserved_word, span, "`%s` is a word of the language", token_text((uint8_t)kind));
        diag_here(p->diags, d, "cannot be a name here");
        return;
    }
    if (kind == TOK_ASSIGN && token_is_reserved(p->prev)) {
        Diag *d = diag_add(p->diags, WF_E_reserved_word, token_span(p, parse_recent(p, 1)), "`%s` is a word of the language", token_text(p->prev));
        diag_here(p->diags, d, "cannot be a name here");
        return;
    }
    if (is_unfinished(p, at)) {
        const Token *t = &p->unfinished;
        Diag *d = diag_add(p->diags, WF_E_unfinished_line, token_span(p, t), "the line is unfinished after `%.*s`", (int)(t->end - t->off), p->text.p + t->off);
        Buf text = BUF_INIT;
        if (p->cur->off == p->resumed) add_expected(&text, expected, n);
        if (text.n > 0) diag_here(p->diags, d, "expected %s", buf_cstr(&text));
        diag_label(p->diags, d, parse_span(p, p->resumed, p->resumed + 1), "the next line begins here");
        buf_free(&text);
        return;
    }
    bool no_body = p->header == TOK_STEP && p->open.len == 1 && has(expected, n, TOK_FENCE) && has(expected, n, TOK_ON);
    if (no_body && (kind == TOK_NL || kind == TOK_EOF)) {
        Diag *d = diag_add(p->diags, WF_E_step_without_body, span, "the step has no body");
        diag_help(p->diags, d, "write its code in a fence below, or `exec [...]`, `extern \"lib.so:function\"`, `supplied`, `on <engine> ...`");
        return;
    }
    Buf found = BUF_INIT, want = BUF_INIT;
    add_found(p, &found, kind, at);
    add_expected(&want, expected, n);
    Diag *d = diag_add(p->diags, WF_E_syntax, span, "unexpected %s", buf_cstr(&found));
    if (want.n > 0) diag_here(p->diags, d, "expected %s", buf_cstr(&want));
    const char *hint = advice(p, kind, expected, n);
    if (hint != NULL) diag_note(p->diags, d, "%s", hint);
    buf_free(&found);
    buf_free(&want);
}

void parser_too_deep(Parse *p, Loc at) {
    p->failed = true;
    if (p->stop) return;
    p->stop = true;
    if (p->diags->nerrors > p->errors_before) return; /* most likely a consequence */
    Diag *d = diag_add(p->diags, WF_E_nested_too_deeply, parse_span(p, at.off, at.end), "nested too deeply");
    diag_here(p->diags, d, "more than %d levels", AST_MAX_HEIGHT);
    diag_help(p->diags, d, "give parts of it names of their own");
}
