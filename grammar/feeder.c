/* Between lexer and parser: where a line ends a statement, which words are keywords, which brackets belong together, and where to
   go on after a mistake. Sees one token on each side and what the parser would accept; never the tree. */
#include "grammar/parser.h"

#include <stdlib.h>

enum { CLASS_SIGN, CLASS_LITERAL, CLASS_WORD_RESERVED, CLASS_WORD_DECLARATION, CLASS_WORD_CONTEXT };
enum { ENDS = 1, CONTINUES = 2 };

static const struct TokenInfo {
    const char *text;
    uint8_t class, layout;
} infos[TOKEN_KINDS] = {
    [TOK_EOF] = {"end of file", CLASS_SIGN, 0},
#define TOKEN(NAME, text, class, ends, continues) [TOK_##NAME] = {text, CLASS_##class, (ends ? ENDS : 0) | (continues ? CONTINUES : 0)},
#include "grammar/tokens.def"
#undef TOKEN
};

bool token_ends(uint8_t kind) { return infos[kind].layout & ENDS; }
bool token_continues(uint8_t kind) { return infos[kind].layout & CONTINUES; }
bool token_is_word(uint8_t kind) { return infos[kind].class >= CLASS_WORD_RESERVED; }
bool token_is_reserved(uint8_t kind) { return infos[kind].class == CLASS_WORD_RESERVED; }
bool token_is_declaration(uint8_t kind) { return infos[kind].class == CLASS_WORD_DECLARATION; }
const char *token_text(uint8_t kind) { return infos[kind].text; }

/* A word that is not reserved, so that it can be a name whatever it means here. */
static bool can_be_name(uint8_t kind) {
    return kind == TOK_NAME || infos[kind].class == CLASS_WORD_DECLARATION || infos[kind].class == CLASS_WORD_CONTEXT;
}

/* --- words --- */

static void demote(Parse *p, Token *t) {
    t->kind = TOK_NAME;
    t->v.atom = atom_of(p->build.ast->atoms, token_str(p, t));
}

/* Whether the context word at hand is a keyword here. */
static bool is_keyword(Parse *p) {
    const Token *t = p->cur, *next = p->next;
    bool outermost = p->open.len == 1, operand_before = infos[p->prev].layout & ENDS;
    bool header = outermost && p->header == TOK_STEP && operand_before;
    switch ((TokenKind)t->kind) {
    case TOK_EXEC: return header && (next->kind == TOK_LBRACK || next->kind == TOK_STRING);
    case TOK_EXTERN: return header && (next->kind == TOK_STRING || next->kind == TOK_LBRACK);
    case TOK_SUPPLIED: return header && next->kind != TOK_ASSIGN && next->kind != TOK_DOT && next->kind != TOK_LPAREN;
    case TOK_ON: return !next->first && can_be_name(next->kind) && (outermost ? p->header != 0 : p->at_start || t->first);
    case TOK_FINALLY: return next->kind == TOK_LBRACE && (p->at_start || t->first);
    case TOK_MAX: return operand_before && !t->first;
    case TOK_UNTIL: return operand_before && p->repeats > 0;
    case TOK_WITH: return operand_before && !t->first && next->kind == TOK_LPAREN;
    case TOK_GIVEN:
    case TOK_EXPECT: return parse_innermost(p)->is_test && (p->at_start || t->first) && next->kind != TOK_ASSIGN && next->kind != TOK_DOT;
#define TOKEN(NAME, text, class, ends, continues) TOKEN_IS_##class(NAME)
#define TOKEN_IS_SIGN(NAME) case TOK_##NAME:
#define TOKEN_IS_LITERAL(NAME) case TOK_##NAME:
#define TOKEN_IS_WORD_RESERVED(NAME) case TOK_##NAME:
#define TOKEN_IS_WORD_DECLARATION(NAME) case TOK_##NAME:
#define TOKEN_IS_WORD_CONTEXT(NAME)
#include "grammar/tokens.def"
#undef TOKEN
    case TOK_EOF: case TOK_YYBASE: case LEX_COMMENT: case LEX_AND: case LEX_OR: case LEX_BANG: case LEX_SEMICOLON: case LEX_POWER:
    case LEX_AUGMENT: case LEX_QUOTED: case LEX_TRIPLE: case LEX_PREFIX: case LEX_BAD: case TOKEN_KINDS: break;
    }
    return true;
}

/* A declaration begins with its word and, on the same line, what is declared. */
static bool begins_declaration(const Token *t, const Token *next) {
    return infos[t->kind].class == CLASS_WORD_DECLARATION && !next->first &&
           (infos[next->kind].class >= CLASS_WORD_RESERVED || next->kind == TOK_NAME || next->kind == TOK_TYPE || next->kind == TOK_STRING ||
            next->kind == TOK_INT);
}

/* After `.`, `?.` and `@`, and before `:`, every word is a name; other words as their class says. */
static void settle_word(Parse *p) {
    Token *t = p->cur;
    const Token *next = p->next;
    bool field = p->prev == TOK_DOT || p->prev == TOK_QDOT || p->prev == TOK_AT;
    if (!field && next->kind == TOK_COLON) {
        /* Not in a map, where keys are expressions, and not the `else:` of Python, which ends its line. */
        bool line_end = p->text.p[next->end] == '\n' || p->text.p[next->end] == '\r';
        field = infos[t->kind].class != CLASS_WORD_RESERVED ||
                (parse_innermost(p)->closes != TOK_RBRACK && !(line_end && parse_innermost(p)->closes != TOK_RPAREN));
    }
    if (field) {
        demote(p, t);
    } else if (infos[t->kind].class == CLASS_WORD_DECLARATION) {
        if (p->open.len > 1 || !begins_declaration(t, next) || p->prev == TOK_ON || token_is_declaration(p->prev)) demote(p, t);
    } else if (infos[t->kind].class == CLASS_WORD_CONTEXT && !is_keyword(p)) {
        demote(p, t);
    }
}

/* --- feeding --- */

static NodeId leaf(Parse *p, AstKind kind, const Token *t, uint64_t value) {
    return ast_add(p->build.ast, kind, t->off, t->end, (uint32_t)value, (uint32_t)(value >> 32), 0);
}

/* The STRING node of a literal or of a part of an interpolated one, 0 for an empty part. */
static NodeId string_node(Parse *p, const Token *t) {
    Ast *ast = p->build.ast;
    bool part = t->kind != TOK_STRING;
    uint32_t off = t->off + (t->off < t->end ? 1 : 0), end = t->end;
    if (t->kind == TOK_STRHEAD || t->kind == TOK_STRMID) end -= 2;
    else if (end > off && p->text.p[end - 1] == '"' && !(t->bad && end - off == 1)) end--;
    if (part && end <= off) return 0;
    if (!t->escapes && !t->bad) {
        NodeId id = part ? ast_add(ast, AST_STRING, off, end, 0, 0, 0) : leaf(p, AST_STRING, t, 0);
        if (part) with_flag(&p->build, id, AST_PART);
        return id;
    }
    Str value = lexer_decode(&ast->arena, (Str){p->text.p + off, end > off ? end - off : 0}, p->file, off, t->bad ? NULL : p->diags);
    vec_push(&ast->strings, value);
    NodeId id = part ? ast_add(ast, AST_STRING, off, end, ast->strings.len - 1, 0, 0) : leaf(p, AST_STRING, t, ast->strings.len - 1);
    return with_flag(&p->build, id, part ? AST_PART | AST_DECODED : AST_DECODED);
}

static Value token_value(Parse *p, const Token *t) {
    uint64_t bits;
    switch ((TokenKind)t->kind) {
    case TOK_NAME:
    case TOK_TYPE: return (Value){t->v.atom};
    case TOK_INT: return (Value){leaf(p, AST_INT, t, t->v.i)};
    case TOK_FLOAT: memcpy(&bits, &t->v.f, sizeof bits); return (Value){leaf(p, AST_FLOAT, t, bits)};
    case TOK_DURATION: return (Value){leaf(p, AST_DURATION, t, t->v.i)};
    case TOK_SIZE: return (Value){leaf(p, AST_SIZE, t, t->v.i)};
    case TOK_STRING:
    case TOK_STRHEAD:
    case TOK_STRMID:
    case TOK_STRTAIL: return (Value){string_node(p, t)};
    case TOK_FENCE: return (Value){leaf(p, AST_FENCE, t, (uint64_t)t->body << 32 | t->v.atom)};
#define TOKEN(NAME, text, class, ends, continues) TOKEN_IS_##class(NAME)
#undef TOKEN_IS_LITERAL
#undef TOKEN_IS_WORD_CONTEXT
#define TOKEN_IS_LITERAL(NAME)
#define TOKEN_IS_WORD_CONTEXT(NAME) case TOK_##NAME:
#include "grammar/tokens.def"
#undef TOKEN
    case TOK_WILD:
    case TOK_EOF: case TOK_YYBASE: case LEX_COMMENT: case LEX_AND: case LEX_OR: case LEX_BANG: case LEX_SEMICOLON: case LEX_POWER:
    case LEX_AUGMENT: case LEX_QUOTED: case LEX_TRIPLE: case LEX_PREFIX: case LEX_BAD: case TOKEN_KINDS: break;
    }
    return (Value){0};
}

/* The level of the innermost braces: there, a newline ends the statement that an error stands in. */
static uint32_t statement_level(const Parse *p) {
    uint32_t i = p->open.len;
    while (i > 1 && p->open.data[i - 1].closes != TOK_RBRACE) i--;
    return i;
}

static void start_skipping(Parse *p) {
    p->skipping = true;
    p->skip_level = statement_level(p);
    p->lambda = false;
    p->repeats = 0;
}

static void push(Parse *p, TokenKind kind, Value value, Loc at) {
    if (p->skipping || p->stop) return;
    p->failed = false;
    parser_push(p, kind, value, at);
    bool ends = kind == TOK_NL || kind == TOK_RBRACE || kind == TOK_EOF; /* the parser goes on behind these by itself */
    if (p->failed && !ends) start_skipping(p);
    if (p->build.too_deep && !p->stop) parser_too_deep(p, p->build.deep_at);
}

static void note_fed(Parse *p, uint8_t kind, uint32_t end) {
    p->prev = kind;
    p->prev_end = end;
    p->at_start = kind == TOK_NL || kind == TOK_LBRACE;
}

void feeder_emit(Parse *p, TokenKind kind, Loc at) {
    push(p, kind, (Value){0}, at);
    note_fed(p, (uint8_t)kind, at.end);
}

void feeder_emit_name(Parse *p, Atom name, Loc at) {
    push(p, TOK_NAME, (Value){name}, at);
    note_fed(p, TOK_NAME, at.end);
}

void feeder_emit_string(Parse *p, Str value, Loc at) {
    Ast *ast = p->build.ast;
    vec_push(&ast->strings, value);
    NodeId id = ast_add(ast, AST_STRING, at.off, at.end, ast->strings.len - 1, 0, 0);
    push(p, TOK_STRING, (Value){with_flag(&p->build, id, AST_DECODED)}, at);
    note_fed(p, TOK_STRING, at.end);
}

static void emit_line_end(Parse *p) {
    if (p->skipping && p->open.len == p->skip_level) p->skipping = false;
    feeder_emit(p, TOK_NL, (Loc){p->prev_end, p->prev_end});
    if (p->open.len == 1) p->header = 0;
}

void feeder_skip_statement(Parse *p) {
    if (!p->skipping) parser_fail(p, token_loc(p->cur));
    start_skipping(p);
}

/* --- brackets --- */

void feeder_open(Parse *p, uint8_t opens, uint8_t closes) {
    if (p->open.len > BRACKETS_MAX) {
        parser_too_deep(p, token_loc(p->cur));
        return;
    }
    Bracket b = {.opens = opens, .closes = closes, .off = p->cur->off, .end = p->cur->end, .value = p->next->off};
    b.is_test = closes == TOK_RBRACE && p->open.len == 1 && p->header == TOK_TEST;
    vec_push(&p->open, b);
}

static void report_unclosed(Parse *p, const Bracket *b, const char *where) {
    static const char *const names[] = {[TOK_LPAREN] = "(", [TOK_LBRACK] = "[", [TOK_QBRACK] = "?[", [TOK_LBRACE] = "{"};
    if (b->opens == TOK_STRHEAD || b->opens == TOK_COLON) return; /* reported by the lexer; needs no closer */
    if (p->broken > b->off) return;    /* its closer may stand in a string that was not closed */
    if (p->skipping) return; /* after an error in the statement one cannot know */
    Diag *d = diag_add(p->diags, WF_E_unclosed_bracket, parse_span(p, b->off, b->end), "`%s` is not closed", names[b->opens]);
    if (p->cur->kind != TOK_EOF) diag_label(p->diags, d, token_span(p, p->cur), "%s", where);
}

/* Forgets the brackets above `level`. The statements that hold them are given up: the parser gets the closers of their blocks, and
   the rest of the statement at `level` is skipped. */
static void drop_brackets(Parse *p, uint32_t level) {
    if (!p->skipping) feeder_skip_statement(p);
    while (p->open.len > level) {
        bool block = vec_pop(&p->open).closes == TOK_RBRACE;
        if (!block || p->open.len + 1 != p->skip_level) continue; /* blocks opened while skipping are unknown to the parser */
        parser_push(p, TOK_RBRACE, (Value){0}, (Loc){p->prev_end, p->prev_end});
        parser_fail(p, token_loc(p->cur));
        p->skip_level = statement_level(p);
    }
}

static void close_unclosed(Parse *p, uint32_t level, const char *where) {
    report_unclosed(p, parse_innermost(p), where);
    drop_brackets(p, level);
    p->prev = TOK_RBRACE; /* so that a statement can begin */
}

/* A closer in the text. False when it closes nothing and is dropped. */
static bool close_bracket(Parse *p) {
    uint8_t kind = p->cur->kind;
    while (kind == TOK_RBRACE && parse_innermost(p)->opens == TOK_COLON) mend_close_block(p);
    uint32_t i = p->open.len;
    for (const Bracket *b; i > 1; i--) {
        b = &p->open.data[i - 1];
        if (b->closes == kind || (kind == TOK_RBRACE && b->opens == TOK_LBRACE)) break;
        if (kind != TOK_RBRACE && b->closes == TOK_RBRACE) i = 2; /* `)` and `]` do not close through a block */
    }
    if (i == 1) {
        const Bracket *in = parse_innermost(p);
        bool pair = in->closes != TOK_RBRACE && in->opens != TOK_STRHEAD; /* `[1)`: the other kind was meant */
        Diag *d = diag_add(p->diags, WF_E_stray_bracket, token_span(p, p->cur), pair ? "`%s` does not close `%.*s`" : "`%s` closes nothing",
                           token_text(kind), (int)(in->end - in->off), p->text.p + in->off);
        if (!pair) return false;
        diag_label(p->diags, d, parse_span(p, in->off, in->end), "opened here");
        diag_help(p->diags, d, "write `%s`", token_text(in->closes));
        diag_edit(p->diags, d, token_span(p, p->cur), "%s", token_text(in->closes));
        i = p->open.len;
    }
    if (i < p->open.len) {
        report_unclosed(p, parse_innermost(p), "another is closed here");
        drop_brackets(p, i);
    }
    Bracket b = vec_pop(&p->open);
    if (b.edit) diag_edit(p->diags, &p->diags->list.data[b.diag], token_span(p, p->cur), "%s", token_text(b.closes));
    if (p->skipping && p->open.len < p->skip_level) p->skipping = false; /* the closer of the block ends the statement skipped */
    p->cur->kind = b.closes;
    return true;
}

/* A line that cannot belong inside the brackets that are open: a declaration in column 1, or `name =` and `return` inside
   parentheses. */
static void check_unclosed(Parse *p) {
    const Token *t = p->cur;
    if (p->open.len == 1 || !t->first) return;
    bool column_1 = t->off == 0 || p->text.p[t->off - 1] == '\n' || p->text.p[t->off - 1] == '\r';
    if (column_1 && begins_declaration(t, p->next)) {
        close_unclosed(p, 1, "a declaration begins here");
        return;
    }
    bool paren = parse_innermost(p)->closes != TOK_RBRACE && parse_innermost(p)->opens != TOK_LBRACE;
    bool statement = (t->kind == TOK_NAME && p->next->kind == TOK_ASSIGN && infos[p->prev].layout & ENDS) ||
                     (t->kind == TOK_RETURN && p->next->kind != TOK_COLON);
    uint32_t level = statement_level(p);
    if (paren && statement) close_unclosed(p, level, "a statement begins here");
}

/* --- layout --- */

static bool ends_line(Parse *p) {
    const Token *t = p->cur;
    const Bracket *in = parse_innermost(p);
    if (in->closes != TOK_RBRACE) return false;
    if (!(infos[p->prev].layout & ENDS)) {
        if (p->prev == TOK_LBRACE || p->prev == TOK_COMMA || p->prev == TOK_NL) return false; /* nothing is missing there */
        p->unfinished = *parse_recent(p, 1);
        p->resumed = t->off;
        return false;
    }
    if (infos[t->kind].layout & CONTINUES) return false;
    if (t->kind == TOK_MINUS) return !(p->text.p[t->end] == ' ' || p->text.p[t->end] == '\t');
    if (t->kind == TOK_EOF) return false;
    if (p->open.len == 1 && p->header == TOK_STEP)
        return !(t->kind == TOK_FENCE || t->kind == TOK_EXEC || t->kind == TOK_EXTERN || t->kind == TOK_SUPPLIED || t->kind == TOK_ON);
    return true;
}

/* Where the value begins that a foreign form may follow: behind `=`, a comma, a colon and their like. */
static void note_value(Parse *p, uint8_t kind) {
    if (kind == TOK_ASSIGN || kind == TOK_COMMA || kind == TOK_COLON || kind == TOK_RETURN || kind == TOK_FATARROW || kind == TOK_NL)
        parse_innermost(p)->value = p->next->off;
}

static void check_int(Parse *p) {
    if (p->cur->v.i >> 63 == 0 || p->cur->bad || p->prev == TOK_MINUS) return;
    p->cur->v.i = 0;
    Diag *d = diag_add(p->diags, WF_E_number_too_large, token_span(p, p->cur), "integer does not fit in 64 bits");
    diag_here(p->diags, d, "the largest is 9223372036854775807");
}

/* The end of an interpolated string closes what was left open inside its ${ }. */
static bool close_string(Parse *p) {
    uint32_t i = p->open.len;
    while (i > 1 && p->open.data[i - 1].opens != TOK_STRHEAD) i--;
    if (i == 1) return false;
    if (i < p->open.len) {
        if (!p->cur->bad) report_unclosed(p, parse_innermost(p), "the string goes on here");
        drop_brackets(p, i);
    }
    p->open.len--;
    return true;
}

static void feed(Parse *p) {
    const Token *t = p->cur;
    uint8_t kind = t->kind;
    switch (kind) {
    case TOK_RPAREN:
    case TOK_RBRACK:
    case TOK_RBRACE:
        if (!close_bracket(p)) return;
        kind = t->kind;
        break;
    case TOK_STRTAIL:
        if (!close_string(p)) return;
        break;
    case TOK_STRING:
        if (t->bad) p->broken = t->off;
        break;
    case TOK_INT: check_int(p); break;
    case TOK_MAX: p->repeats++; break;
    case TOK_UNTIL: p->repeats--; break;
    case TOK_EOF: p->skipping = false; break;
    default: break;
    }
    Value value = p->skipping ? (Value){0} : token_value(p, t);
    uint32_t level = p->open.len;
    push(p, (TokenKind)kind, value, token_loc(t));
    if (token_is_declaration(kind) && level == 1) p->header = kind;
    switch (kind) {
    case TOK_LPAREN: feeder_open(p, TOK_LPAREN, TOK_RPAREN); break;
    case TOK_LBRACK: feeder_open(p, TOK_LBRACK, TOK_RBRACK); break;
    case TOK_QBRACK: feeder_open(p, TOK_QBRACK, TOK_RBRACK); break;
    case TOK_LBRACE: feeder_open(p, TOK_LBRACE, TOK_RBRACE); break;
    case TOK_STRHEAD: feeder_open(p, TOK_STRHEAD, TOK_RPAREN); break;
    default: note_value(p, kind); break;
    }
    note_fed(p, kind, t->end);
}

static void advance(Parse *p) {
    p->at++;
    p->cur = p->next;
    p->next = &p->ring[(p->at + 1) & (RECENT - 1)];
    lexer_next(&p->lexer, p->next);
}

void feeder_line_end(Parse *p) {
    if (p->cur->first && ends_line(p)) emit_line_end(p);
    p->cur->first = false;
}

/* A filter for the common tokens before mend_before_feed looks closer. */
static bool may_need_mending(const Parse *p) {
    if (p->skipping) return false;
    switch (p->cur->kind) {
    case TOK_COLON: return p->next->first || p->lambda;
    case TOK_STRING: return p->prev == TOK_IMPORT;
    case TOK_ASSIGN: return vec_last(&p->open).closes == TOK_RPAREN;
    case TOK_LBRACE:
    case TOK_IN:
    case TOK_NOT:
    case TOK_IF:
    case TOK_FOR:
    case TOK_QQ: return true;
    default: return false;
    }
}

static void step(Parse *p) {
    if (p->cur->off < p->drop_until && p->cur->kind != TOK_EOF) return;
    if (p->cur->first && p->open.len > 1) mend_close_blocks(p);
    if (p->cur->kind == TOK_EOF && p->open.len > 1) close_unclosed(p, 1, "");
    if (infos[p->cur->kind].class >= CLASS_WORD_RESERVED) {
        check_unclosed(p);
        settle_word(p);
    } else if (p->cur->kind == TOK_NAME) {
        check_unclosed(p);
    }
    bool name = p->cur->kind == TOK_NAME || p->cur->kind == TOK_TYPE;
    if ((p->cur->kind >= LEX_COMMENT || (name && p->cur->v.atom <= p->foreign)) && !mend_token(p)) return;
    if (p->cur->first && ends_line(p) && !(p->cur->kind == TOK_LBRACE && mend_brace_line(p))) emit_line_end(p);
    if (may_need_mending(p) && !mend_before_feed(p)) return;
    feed(p);
}

void feeder_run(Parse *p) {
    uint32_t findings = p->diags->list.len;
    mend_words(p);
    p->prev = TOK_NL;
    p->at_start = true;
    vec_push(&p->open, ((Bracket){.closes = TOK_RBRACE}));
    p->cur = &p->ring[0];
    p->next = &p->ring[1];
    lexer_next(&p->lexer, p->cur);
    lexer_next(&p->lexer, p->next);
    while (!p->stop) {
        step(p);
        if (p->cur->kind == TOK_EOF) break;
        if (p->engine == &parser_quick && p->diags->list.len > findings) break;
        if (p->diags->nerrors - p->errors_before >= ERRORS_MAX) {
            diag_add(p->diags, WF_E_too_many_errors, token_span(p, p->cur), "too many errors; the rest of the file was not read");
            p->stop = true;
        }
        advance(p);
    }
    vec_free(&p->open);
}
