/* Inside the front end only: the state that the feeder (feeder.c), the mending of foreign forms (mend.c), the messages
   (unexpected.c) and the grammar (parser.y) share while one file is parsed. */
#ifndef WF_GRAMMAR_PARSER_H
#define WF_GRAMMAR_PARSER_H

#include "grammar/build.h"
#include "grammar/lexer.h"

enum {
    BRACKETS_MAX = 1000, /* open at once */
    ERRORS_MAX = 100,    /* findings of one file; more tell nothing */
    RECENT = 8,          /* tokens kept, a power of 2 */
};

/* An open bracket. `opens` is what the text has, `closes` what the parser gets for its closer: they differ for braces that stand
   where a value belongs, and for blocks of Python, which close by their indentation. */
typedef struct Bracket {
    uint8_t opens;   /* TOK_LPAREN, TOK_LBRACK, TOK_LBRACE, TOK_STRHEAD; TOK_COLON for a block by indentation */
    uint8_t closes;  /* TOK_RPAREN ... */
    bool is_test;    /* the block of a `test` */
    bool edit;       /* the closer belongs to the fix of finding `diag` */
    uint32_t off, end;
    uint32_t indent; /* TOK_COLON: indentation of the line that began it */
    uint32_t diag;   /* index of a finding */
    uint32_t value;  /* where the expression began that is being read inside it */
} Bracket;

typedef struct Parse {
    Builder build;
    Diags *diags;
    FileId file;
    Str text;
    Lexer lexer;
    const struct ParserEngine *engine;
    void *state;           /* the engine's */

    Token ring[RECENT];    /* the tokens around the one at hand, which is ring[at % RECENT] */
    Token *cur, *next;     /* the token at hand and the one after it */
    uint32_t at;
    VEC(Bracket) open;     /* open.data[0] is the file itself */
    uint8_t prev;          /* kind of the last token, as the parser saw it; TOK_NL at the start */
    uint32_t prev_end;
    uint8_t header;        /* TOK_STEP ... while the header of that declaration is read at the outermost level, else 0 */
    Atom foreign;          /* see mend_words */
    uint32_t repeats;      /* heads of `repeat` in this statement whose `until` has not come */
    bool at_start;         /* the next token begins a statement */
    bool lambda;           /* a `lambda` of Python waits for its colon */
    bool lambda_paren;
    uint32_t lambda_open, lambda_diag;

    bool skipping;         /* after an error: tokens are dropped up to the end of the statement at level skip_level */
    uint32_t skip_level;
    uint32_t broken;       /* offset of the last string that was not closed */
    uint32_t drop_until;   /* tokens before this offset were dealt with */
    bool failed;           /* the parser reported an error during the last push */
    bool stop;             /* nothing more is read */
    Token unfinished;      /* the token after which a newline did not end the statement ... */
    uint32_t resumed;      /* ... and the offset where the next line began; 0 for none */
    uint32_t errors_before;
} Parse;

/* --- parser.y, which is compiled twice --- */

/* The quick variant cannot tell which tokens it would accept; it says yes to all, so that nothing is mended, and a file with any
   mistake is read again by the careful one, which costs a tenth more for each token. */
typedef struct ParserEngine {
    bool (*open)(Parse *p);
    void (*close)(Parse *p);
    void (*push)(Parse *p, TokenKind kind, Value value, Loc at);
    void (*fail)(Parse *p, Loc at);                /* into recovery, without a message */
    bool (*accepts)(Parse *p, TokenKind kind);     /* costs the reductions that the token would cause */
} ParserEngine;
extern const ParserEngine parser_quick, parser_careful;

static inline bool parser_accepts(Parse *p, TokenKind kind) { return p->engine->accepts(p, kind); }
static inline void parser_push(Parse *p, TokenKind kind, Value value, Loc at) { p->engine->push(p, kind, value, at); }
static inline void parser_fail(Parse *p, Loc at) { p->engine->fail(p, at); }

/* --- for the actions of parser.y: actions.c --- */
void parser_finish(Parse *p, NodeId edition, ListValue items);
Atom parser_atom(Parse *p, const char *z);
Atom parser_join(Parse *p, Atom left, Atom right);  /* left.right */
Atom parser_last_part(Parse *p, Atom path);
NodeId parser_format(Parse *p, Atom name, NodeId string, Loc first, Loc last);
ListValue parser_prepend(Parse *p, NodeId node, ListValue list);
ListValue parser_concat(Parse *p, ListValue left, ListValue right);
ListValue parser_text(Parse *p, NodeId head, ListValue parts, NodeId tail);
NodeId parser_chain(Parse *p, NodeId left, NodeId right, Loc at); /* left >> right; a chain on the left grows */
/* Makes an INT or FLOAT that is not in parentheses negative; false for other nodes. */
bool parser_negate_literal(Parse *p, NodeId literal, Loc at);

/* --- messages: unexpected.c --- */
void parser_unexpected(Parse *p, TokenKind kind, Loc at, const uint8_t *expected, unsigned n);
void parser_too_deep(Parse *p, Loc at);

/* --- foreign forms: mend.c --- */
/* Sets p->foreign, above which no atom is one of the words that mend_token looks for. */
void mend_words(Parse *p);
/* Looks at p->cur before layout. False when the token was dealt with and must not be fed. */
bool mend_token(Parse *p);
/* Looks at p->cur when it is about to be fed, for forms that only the grammar's state tells from good ones. */
bool mend_before_feed(Parse *p);
/* p->cur is a brace that begins a line: true when it opens the block of the line before. */
bool mend_brace_line(Parse *p);
/* Closes the innermost block of Python, or all that end before p->cur. */
void mend_close_block(Parse *p);
void mend_close_blocks(Parse *p);

/* --- feeder.c --- */
void feeder_run(Parse *p);
void feeder_emit(Parse *p, TokenKind kind, Loc at);            /* a token without value, as if it stood in the text */
void feeder_emit_name(Parse *p, Atom name, Loc at);
void feeder_emit_string(Parse *p, Str value, Loc at);
void feeder_open(Parse *p, uint8_t opens, uint8_t closes);      /* p->cur opens a bracket */
void feeder_line_end(Parse *p);                                 /* ends the statement before p->cur, where its line begins */
void feeder_skip_statement(Parse *p);                           /* the rest of the statement at hand is not read */
bool token_ends(uint8_t kind);                                  /* an operand may end with it */
bool token_continues(uint8_t kind);
bool token_is_word(uint8_t kind);                               /* a keyword or contextual word */
bool token_is_reserved(uint8_t kind);
bool token_is_declaration(uint8_t kind);
const char *token_text(uint8_t kind);

static inline Span parse_span(const Parse *p, uint32_t off, uint32_t end) { return (Span){p->file, off, end - off}; }
static inline Span token_span(const Parse *p, const Token *t) { return parse_span(p, t->off, t->end); }
static inline Loc token_loc(const Token *t) { return (Loc){t->off, t->end}; }
static inline Str token_str(const Parse *p, const Token *t) { return (Str){p->text.p + t->off, t->end - t->off}; }
/* The k-th last token read before p->cur; k from 1 to 4. */
static inline const Token *parse_recent(const Parse *p, unsigned k) { return &p->ring[(p->at - k) & (RECENT - 1)]; }
static inline Bracket *parse_innermost(Parse *p) { return &vec_last(&p->open); }

#endif
