/* The grammar of WF, edition 1. Actions only build nodes.

   Line ends, contextual words and the mending of foreign forms are the feeder's work (feeder.c), so that this file is the plain
   grammar. Token declarations come from tokens.def. No %destructor is needed: nodes and lists live in arrays of the Builder. */
%require "3.8"
%define api.pure full
%define api.push-pull push
%define api.prefix {wf_parse_}
%define api.token.prefix {YT_}
%define api.token.raw
%define api.value.type {Value}
%define api.location.type {Loc}
%define parse.error custom
%define parse.lac full /* not in the quick variant: see ParserEngine */
%define lr.type ielr
%locations
%expect 0
%parse-param {struct Parse *parse}

%code requires {
#include "grammar/build.h"
struct Parse;
}

%code {
#include "grammar/parser.h"

#define YYLLOC_DEFAULT(cur, rhs, n)                                       \
    do {                                                                  \
        (cur).off = (n) ? YYRHSLOC(rhs, 1).off : YYRHSLOC(rhs, 0).end;    \
        (cur).end = YYRHSLOC(rhs, n).end;                                 \
    } while (0)
#define YYMALLOC wf_alloc
#define YYFREE free
#define YYINITDEPTH 512
#define YYMAXDEPTH 20000

static void yyerror(const Loc *at, struct Parse *parse, const char *message);

#define ADD(list, node) list_add(&parse->build, (list), (node))
#define ONE(node) list_one(&parse->build, (node))
#define NONE() list_none(&parse->build)
#define BINARY(left, name, right) with_op(&parse->build, MAKE(BINARY, NODE(left), NODE(right)), OP_##name)
#define FLAG(node, flag) with_flag(&parse->build, (node), (flag))
}

/* TOKENS */

%left THEN
%left OR
%left AND
%precedence NOT
%nonassoc EQ NE LT LE GT GE
%right QQ
%left PLUS MINUS
%left STAR SLASH FLOOR PERCENT
%precedence NEGATION
%precedence AS
%precedence DOT QDOT LPAREN LBRACK QBRACK WITH

%type <id> NAME TYPE INT FLOAT DURATION SIZE STRING STRHEAD STRMID STRTAIL FENCE
%nterm <id> item decl path body type btype table opt_type opt_btype field annotation target_body
%nterm <id> statement block expr arm arm_body pattern if_expr filter local named entry special_arg lambda garg wild
%nterm <list> items annots annot_group annot_lines stmt_annots params fields field_lines targets names members statements
%nterm <list> args arg_list gargs garg_list named_list exprs parts arms patterns entries lambda_names

%%

file:
    %empty                          { parser_finish(parse, 0, NONE()); }
  | items                           { parser_finish(parse, 0, $1); }
  | EDITION INT                     { parser_finish(parse, $2, NONE()); }
  | EDITION INT NL items            { parser_finish(parse, $2, $4); }
  ;

sep: "," | NL ;
opt_comma: %empty | "," ;
opt_sep: %empty | sep ;

/* --- declarations --- */

items:
    item                            { $$ = ONE($1); }
  | items NL item                   { $$ = ADD($1, $3); }
  | items error                     { $$ = ADD($1, MAKE_FROM(@2, ERROR, NODE(0))); }
  ;

item:
    decl
  | error                           { $$ = MAKE(ERROR, NODE(0)); }
  ;

annots:
    %empty                          { $$ = NONE(); }
  | annots annotation               { $$ = ADD($1, $2); }
  | annots annotation NL            { $$ = ADD($1, $2); }
  ;

annotation:
    "@" NAME                             { $$ = MAKE(ANNOTATION, ATOM($2), ATOM(0), LIST(NO_LIST)); }
  | "@" NAME args                        { $$ = MAKE(ANNOTATION, ATOM($2), ATOM(0), LIST($3)); }
  | "@" NAME "." NAME                    { $$ = MAKE(ANNOTATION, ATOM($4), ATOM($2), LIST(NO_LIST)); }
  | "@" NAME "." NAME args               { $$ = MAKE(ANNOTATION, ATOM($4), ATOM($2), LIST($5)); }
  ;

decl:
    annots IMPORT path
      { $$ = MAKE_FROM(@2, IMPORT, ATOM(parser_last_part(parse, $3)), LIST($1), ATOM($3), NODE(0)); }
  | annots IMPORT path AS NAME
      { $$ = MAKE_FROM(@2, IMPORT, ATOM($5), LIST($1), ATOM($3), NODE(0)); }
  | annots IMPORT STRING AS NAME
      { $$ = MAKE_FROM(@2, IMPORT, ATOM($5), LIST($1), ATOM(0), NODE($3)); }
  | annots ARTIFACT TYPE "=" type
      { $$ = MAKE_FROM(@2, ARTIFACT, ATOM($3), LIST($1), NODE($5)); }
  | annots STRUCT TYPE "{" field_lines opt_sep "}"
      { $$ = MAKE_FROM(@2, STRUCT, ATOM($3), LIST($1), LIST($5)); }
  | annots ENUM TYPE "{" members opt_sep "}"
      { $$ = MAKE_FROM(@2, ENUM, ATOM($3), LIST($1), LIST($5)); }
  | annots FN NAME params "->" type "=" expr
      { $$ = MAKE_FROM(@2, FN, ATOM($3), LIST($1), LIST($4), NODE($6), NODE($8)); }
  | annots STEP NAME params opt_type body targets
      { $$ = MAKE_FROM(@2, STEP, ATOM($3), LIST($1), LIST($4), NODE($5), NODE($6), LIST($7)); }
  | annots STEP NAME params opt_type target_body targets
      { $$ = MAKE_FROM(@2, STEP, ATOM($3), LIST($1), LIST($4), NODE($5), NODE(0), LIST(parser_prepend(parse, $6, $7))); }
  | annots WORKFLOW NAME params opt_btype block
      { $$ = MAKE_FROM(@2, WORKFLOW, ATOM($3), LIST($1), LIST($4), NODE($5), NODE($6)); }
  | annots TARGET NAME block
      { $$ = MAKE_FROM(@2, TARGET, ATOM($3), LIST($1), ATOM(0), NODE($4)); }
  | annots TARGET NAME ON NAME block
      { $$ = MAKE_FROM(@2, TARGET, ATOM($3), LIST($1), ATOM($5), NODE($6)); }
  | annots TEST STRING block
      { $$ = MAKE_FROM(@2, TEST, NODE($3), LIST($1), NODE($4)); }
  | annots ANNOTATION NAME "=" annot_group
      { $$ = MAKE_FROM(@2, BUNDLE, ATOM($3), LIST($1), LIST(NO_LIST), LIST($5)); }
  | annots ANNOTATION NAME params "=" annot_group
      { $$ = MAKE_FROM(@2, BUNDLE, ATOM($3), LIST($1), LIST($4), LIST($6)); }
  | annots ANNOTATION NAME ON names
      { $$ = MAKE_FROM(@2, ANNOTATION_DECL, ATOM($3), LIST($1), LIST(NO_LIST), LIST($5)); }
  | annots ANNOTATION NAME params ON names
      { $$ = MAKE_FROM(@2, ANNOTATION_DECL, ATOM($3), LIST($1), LIST($4), LIST($6)); }
  | annots NAME "=" expr
      { $$ = MAKE_FROM(@2, BINDING, ATOM($2), LIST($1), NODE(0), NODE($4)); }
  | annots NAME ":" type "=" expr
      { $$ = MAKE_FROM(@2, BINDING, ATOM($2), LIST($1), NODE($4), NODE($6)); }
  ;

path:
    NAME
  | path "." NAME                   { $$ = parser_join(parse, $1, $3); }
  ;

annot_group:
    annot_lines                     { $$ = $1; }
  | "(" annot_lines ")"             { $$ = $2; }
  ;

annot_lines:
    annotation                      { $$ = ONE($1); }
  | annot_lines annotation          { $$ = ADD($1, $2); }
  ;

names:
    local                           { $$ = ONE($1); }
  | names "," local                 { $$ = ADD($1, $3); }
  ;

local: NAME                         { $$ = MAKE(LOCAL, ATOM($1)); } ;

members:
    local                           { $$ = ONE($1); }
  | error                           { $$ = ONE(MAKE(ERROR, NODE(0))); }
  | members sep local               { $$ = ADD($1, $3); }
  | members sep error               { $$ = ADD($1, MAKE_FROM(@3, ERROR, NODE(0))); }
  ;

params:
    "(" ")"                         { $$ = NONE(); }
  | "(" "..." ")"                   { $$ = ONE(MAKE(WILD, NODE(0))); }
  | "(" fields opt_comma ")"        { $$ = $2; }
  ;

fields:
    field                           { $$ = ONE($1); }
  | fields "," field                { $$ = ADD($1, $3); }
  ;

field_lines:
    field                           { $$ = ONE($1); }
  | error                           { $$ = ONE(MAKE(ERROR, NODE(0))); }
  | field_lines sep field           { $$ = ADD($1, $3); }
  | field_lines sep error           { $$ = ADD($1, MAKE_FROM(@3, ERROR, NODE(0))); }
  ;

field:
    annots NAME ":" btype           { $$ = MAKE_FROM(@2, PARAM, ATOM($2), LIST($1), NODE($4), NODE(0)); }
  | annots NAME ":" table           { $$ = MAKE_FROM(@2, PARAM, ATOM($2), LIST($1), NODE($4), NODE(0)); }
  | annots NAME ":" type "=" expr   { $$ = MAKE_FROM(@2, PARAM, ATOM($2), LIST($1), NODE($4), NODE($6)); }
  ;

body:
    FENCE
  | EXEC "[" exprs opt_comma "]"    { $$ = MAKE(EXEC, LIST($3)); }
  | EXTERN STRING                   { $$ = MAKE(EXTERN, NODE($2)); }
  | SUPPLIED                        { $$ = MAKE(SUPPLIED, NODE(0)); }
  ;

targets:
    %empty                          { $$ = NONE(); }
  | targets target_body             { $$ = ADD($1, $2); }
  ;

target_body:
    ON NAME NAME STRING             { $$ = MAKE(TARGET_BODY, ATOM($2), ATOM($3), NODE($4), LIST(NO_LIST)); }
  | ON NAME NAME STRING args        { $$ = MAKE(TARGET_BODY, ATOM($2), ATOM($3), NODE($4), LIST($5)); }
  ;

/* --- types: btype is what may stand before a block, without columns in braces --- */

opt_type:
    %empty                          { $$ = 0; }
  | "->" type                       { $$ = $2; }
  ;

opt_btype:
    %empty                          { $$ = 0; }
  | "->" btype                      { $$ = $2; }
  ;

type:
    btype
  | table
  ;

table:
    NAME STRING "{" field_lines opt_sep "}"
      { $$ = MAKE(TYPE_TABLE, NODE(parser_format(parse, $1, $2, @1, @2)), LIST($4)); }
  | NAME STRING "{" field_lines opt_sep "}" "?"
      { Loc at = {@1.off, @6.end};
        NodeId table = MAKE_LOC(TYPE_TABLE, at, NODE(parser_format(parse, $1, $2, @1, @2)), LIST($4));
        $$ = MAKE(TYPE_OPTIONAL, NODE(table)); }
  ;

btype:
    NAME %prec AS                   { $$ = MAKE(TYPE_NAME, ATOM($1), ATOM(0)); } /* in `x as lib.Model` the point goes on */
  | NAME STRING                     { $$ = parser_format(parse, $1, $2, @1, @2); }
  | NAME NAME                       { $$ = MAKE(TYPE_SECRET, ATOM($1), ATOM($2)); }
  | TYPE                            { $$ = MAKE(TYPE_NAME, ATOM($1), ATOM(0)); }
  | NAME "." TYPE                   { $$ = MAKE(TYPE_NAME, ATOM($3), ATOM($1)); }
  | "[" type "]"                    { $$ = MAKE(TYPE_LIST, NODE($2)); }
  | "[" type ":" type "]"           { $$ = MAKE(TYPE_MAP, NODE($2), NODE($4)); }
  | "(" fields opt_comma ")"        { $$ = MAKE(TYPE_RECORD, LIST($2)); }
  | btype "?"                       { $$ = MAKE(TYPE_OPTIONAL, NODE($1)); }
  ;

/* --- statements --- */

block:
    "{" "}"                         { $$ = MAKE(BLOCK, LIST(NO_LIST)); }
  | "{" statements "}"              { $$ = MAKE(BLOCK, LIST($2)); }
  ;

statements:
    statement                       { $$ = ONE($1); }
  | statements NL statement         { $$ = ADD($1, $3); }
  | statements error                { $$ = ADD($1, MAKE_FROM(@2, ERROR, NODE(0))); }
  ;

stmt_annots:
    %empty                          { $$ = NONE(); }
  | stmt_annots annot_lines NL      { $$ = parser_concat(parse, $1, $2); }
  ;

statement:
    stmt_annots NAME "=" expr          { $$ = MAKE_FROM(@2, BINDING, ATOM($2), LIST($1), NODE(0), NODE($4)); }
  | stmt_annots NAME ":" type "=" expr { $$ = MAKE_FROM(@2, BINDING, ATOM($2), LIST($1), NODE($4), NODE($6)); }
  | stmt_annots expr                   { $$ = MAKE_FROM(@2, EXPR_STMT, NODE($2), LIST($1)); }
  | stmt_annots RETURN expr            { $$ = MAKE_FROM(@2, RETURN, NODE($3), LIST($1)); }
  | stmt_annots ON NAME block         { $$ = MAKE_FROM(@2, HANDLER, ATOM($3), LIST($1), NODE(0), NODE($4)); }
  | stmt_annots ON NAME local block   { $$ = MAKE_FROM(@2, HANDLER, ATOM($3), LIST($1), NODE($4), NODE($5)); }
  | stmt_annots FINALLY block         { $$ = MAKE_FROM(@2, HANDLER, ATOM(parser_atom(parse, "finally")), LIST($1), NODE(0), NODE($3)); }
  | GIVEN NAME "(" gargs ")" "=" expr
      { NodeId callee = MAKE_LOC(NAME, @2, ATOM($2));
        $$ = MAKE(GIVEN, NODE(callee), LIST($4), NODE($7)); }
  | GIVEN NAME "." NAME "(" gargs ")" "=" expr
      { Loc at = {@2.off, @4.end};
        NodeId module = MAKE_LOC(NAME, @2, ATOM($2)), callee = MAKE_LOC(MEMBER, at, NODE(module), ATOM($4));
        $$ = MAKE(GIVEN, NODE(callee), LIST($6), NODE($9)); }
  | EXPECT expr                        { $$ = MAKE(EXPECT, NODE($2)); }
  | error                             { $$ = MAKE(ERROR, NODE(0)); }
  ;

gargs:
    %empty                          { $$ = NONE(); }
  | garg_list opt_comma
  ;

garg_list:
    garg                            { $$ = ONE($1); }
  | garg_list "," garg              { $$ = ADD($1, $3); }
  ;

garg:
    expr
  | wild
  | NAME ":" expr                    { $$ = MAKE(NAMED, ATOM($1), NODE($3)); }
  | NAME ":" wild                   { $$ = MAKE(NAMED, ATOM($1), NODE($3)); }
  ;

wild: "_"                           { $$ = MAKE(WILD, NODE(0)); } ;

/* --- expressions --- */

expr:
    NAME                            { $$ = MAKE(NAME, ATOM($1)); }
  | TYPE                            { $$ = MAKE(TYPE_WORD, ATOM($1)); }
  | INT
  | FLOAT
  | DURATION
  | SIZE
  | TRUE                            { $$ = MAKE(BOOL, ATOM(1)); }
  | FALSE                           { $$ = MAKE(BOOL, ATOM(0)); }
  | NONE                            { $$ = MAKE(NONE, NODE(0)); }
  | STRING
  | STRHEAD parts STRTAIL           { $$ = MAKE(TEXT, LIST(parser_text(parse, $1, $2, $3))); }
  | FENCE
  | "(" expr ")"                     { $$ = FLAG($2, AST_PAREN); }
  | "(" named_list opt_comma ")"    { $$ = MAKE(RECORD, LIST($2)); }
  | "[" "]"                         { $$ = MAKE(LIST, LIST(NO_LIST)); }
  | "[" exprs opt_comma "]"         { $$ = MAKE(LIST, LIST($2)); }
  | "[" ":" "]"                     { $$ = MAKE(MAP, LIST(NO_LIST)); }
  | "[" entries opt_comma "]"       { $$ = MAKE(MAP, LIST($2)); }
  | expr "." NAME                   { $$ = MAKE(MEMBER, NODE($1), ATOM($3)); }
  | expr "." TYPE                   { $$ = MAKE(MEMBER, NODE($1), ATOM($3)); }
  | expr "?." NAME                  { $$ = FLAG(MAKE(MEMBER, NODE($1), ATOM($3)), AST_OPTIONAL); }
  | expr "[" expr "]"               { $$ = MAKE(INDEX, NODE($1), NODE($3)); }
  | expr "?[" expr "]"              { $$ = FLAG(MAKE(INDEX, NODE($1), NODE($3)), AST_OPTIONAL); }
  | expr args               { $$ = MAKE(CALL, NODE($1), LIST($2)); }
  | expr WITH "(" named_list opt_comma ")" { $$ = MAKE(WITH, NODE($1), LIST($4)); }
  | expr ">>" expr                  { $$ = parser_chain(parse, $1, $3, yyloc); }
  | expr OR expr                    { $$ = BINARY($1, OR, $3); }
  | expr AND expr                   { $$ = BINARY($1, AND, $3); }
  | NOT expr                        { $$ = MAKE(NOT, NODE($2)); }
  | expr "==" expr                  { $$ = BINARY($1, EQ, $3); }
  | expr "!=" expr                  { $$ = BINARY($1, NE, $3); }
  | expr "<" expr                   { $$ = BINARY($1, LT, $3); }
  | expr "<=" expr                  { $$ = BINARY($1, LE, $3); }
  | expr ">" expr                   { $$ = BINARY($1, GT, $3); }
  | expr ">=" expr                  { $$ = BINARY($1, GE, $3); }
  | expr "??" expr                  { $$ = BINARY($1, ELSE, $3); }
  | expr "+" expr                   { $$ = BINARY($1, ADD, $3); }
  | expr "-" expr                   { $$ = BINARY($1, SUB, $3); }
  | expr "*" expr                   { $$ = BINARY($1, MUL, $3); }
  | expr "/" expr                   { $$ = BINARY($1, DIV, $3); }
  | expr "//" expr                  { $$ = BINARY($1, FLOOR, $3); }
  | expr "%" expr                   { $$ = BINARY($1, MOD, $3); }
  | "-" expr %prec NEGATION         { $$ = parser_negate_literal(parse, $2, yyloc) ? $2 : MAKE(NEGATE, NODE($2)); }
  | expr AS btype                   { $$ = MAKE(AS, NODE($1), NODE($3)); }
  | if_expr
  | MATCH expr "{" arms opt_sep "}" { $$ = MAKE(MATCH, NODE($2), LIST($4)); }
  | FOR names IN expr filter block  { $$ = MAKE(FOR, LIST($2), NODE($4), NODE($5), NODE($6)); }
  | REPEAT local "=" expr MAX expr UNTIL expr block
      { $$ = MAKE(REPEAT, NODE($2), NODE($4), NODE($6), NODE($8), NODE($9)); }
  | TRY block CATCH local block     { $$ = MAKE(TRY, NODE($2), NODE($4), NODE($5)); }
  ;

parts:
    expr                             { $$ = ONE($1); }
  | parts STRMID expr                { $$ = ADD($2 ? ADD($1, $2) : $1, $3); }
  ;

exprs:
    expr                             { $$ = ONE($1); }
  | exprs "," expr                   { $$ = ADD($1, $3); }
  ;

entries:
    entry                           { $$ = ONE($1); }
  | entries "," entry               { $$ = ADD($1, $3); }
  ;

entry: expr ":" expr                 { $$ = MAKE(ENTRY, NODE($1), NODE($3)); } ;

named_list:
    named                           { $$ = ONE($1); }
  | named_list "," named            { $$ = ADD($1, $3); }
  ;

named: NAME ":" expr                 { $$ = MAKE(NAMED, ATOM($1), NODE($3)); } ;

args:
    "(" ")"                         { $$ = NONE(); }
  | "(" arg_list ")"                { $$ = $2; }
  | "(" arg_list "," ")"            { $$ = $2; }
  ;

arg_list:
    expr                            { $$ = ONE($1); } /* the two common forms without a detour */
  | special_arg                     { $$ = ONE($1); }
  | arg_list "," expr               { $$ = ADD($1, $3); }
  | arg_list "," special_arg        { $$ = ADD($1, $3); }
  ;

special_arg:
    lambda
  | NAME ":" expr                   { $$ = MAKE(NAMED, ATOM($1), NODE($3)); }
  | NAME ":" lambda                 { $$ = MAKE(NAMED, ATOM($1), NODE($3)); }
  ;

lambda:
    local "=>" expr                       { $$ = MAKE(LAMBDA, LIST(ONE($1)), NODE($3)); }
  | "(" lambda_names ")" "=>" expr        { $$ = MAKE(LAMBDA, LIST($2), NODE($5)); }
  ;

lambda_names:
    local "," local                       { $$ = ADD(ONE($1), $3); }
  | lambda_names "," local                { $$ = ADD($1, $3); }
  ;

if_expr:
    IF expr block                   { $$ = MAKE(IF, NODE($2), NODE($3), NODE(0)); }
  | IF expr block ELSE block        { $$ = MAKE(IF, NODE($2), NODE($3), NODE($5)); }
  | IF expr block ELSE if_expr      { $$ = MAKE(IF, NODE($2), NODE($3), NODE($5)); }
  ;

filter:
    %empty                          { $$ = 0; }
  | IF expr                         { $$ = $2; }
  ;

arms:
    arm                             { $$ = ONE($1); }
  | arms sep arm                    { $$ = ADD($1, $3); }
  ;

arm:
    patterns "=>" arm_body          { $$ = MAKE(ARM, LIST($1), NODE($3)); }
  | error                           { $$ = MAKE(ERROR, NODE(0)); }
  ;

arm_body: expr | block ;

patterns:
    pattern                         { $$ = ONE($1); }
  | patterns OR pattern             { $$ = ADD($1, $3); }
  ;

pattern:
    NAME                            { $$ = MAKE(NAME, ATOM($1)); }
  | TYPE "." NAME
      { NodeId type = MAKE_LOC(TYPE_WORD, @1, ATOM($1));
        $$ = MAKE(MEMBER, NODE(type), ATOM($3)); }
  | NAME "." TYPE "." NAME
      { Loc at = {@1.off, @3.end};
        NodeId module = MAKE_LOC(NAME, @1, ATOM($1)), type = MAKE_LOC(MEMBER, at, NODE(module), ATOM($3));
        $$ = MAKE(MEMBER, NODE(type), ATOM($5)); }
  | INT
  | "-" INT                         { parser_negate_literal(parse, $2, yyloc); $$ = $2; }
  | STRING
  | TRUE                            { $$ = MAKE(BOOL, ATOM(1)); }
  | FALSE                           { $$ = MAKE(BOOL, ATOM(0)); }
  | NONE                            { $$ = MAKE(NONE, NODE(0)); }
  | wild
  ;

%%

static int yyreport_syntax_error(const yypcontext_t *context, struct Parse *parse) {
    yysymbol_kind_t expected[TOKEN_KINDS];
    uint8_t kinds[TOKEN_KINDS];
    int n = yypcontext_expected_tokens(context, expected, TOKEN_KINDS);
    for (int i = 0; i < n; i++) kinds[i] = (uint8_t)expected[i]; /* symbols and tokens have the same numbers */
    parser_unexpected(parse, (TokenKind)yypcontext_token(context), *yypcontext_location(context), kinds, n > 0 ? (unsigned)n : 0);
    return 0;
}

static void yyerror(const Loc *at, struct Parse *parse, const char *message) {
    (void)message; /* only "memory exhausted" comes here: the stack has YYMAXDEPTH states */
    parser_too_deep(parse, *at);
}

_Static_assert((int)YYSYMBOL_NL == TOK_NL && (int)YYSYMBOL_WITH == TOK_WITH, "Bison numbers the tokens in the order of tokens.def");

/* Bison would mute errors until three tokens were shifted. The feeder goes on only where a statement ends, so that each error is one
   of its own. */
static void engine_push(Parse *parse, TokenKind kind, Value value, Loc at) {
    yypush_parse(parse->state, (int)kind, &value, &at, parse);
    ((yypstate *)parse->state)->yyerrstatus = 0;
}

static void engine_fail(Parse *parse, Loc at) { engine_push(parse, (TokenKind)YYSYMBOL_YYerror, (Value){0}, at); }

static bool engine_accepts(Parse *parse, TokenKind kind) {
#ifdef PARSER_IS_QUICK
    (void)parse, (void)kind;
    return true;
#else
    yypstate *ps = parse->state;
    return yy_lac(ps->yyesa, &ps->yyes, &ps->yyes_capacity, ps->yyssp, (yysymbol_kind_t)kind) == 0;
#endif
}

static bool engine_open(Parse *parse) { return (parse->state = yypstate_new()) != NULL; }
static void engine_close(Parse *parse) { yypstate_delete(parse->state); }

const ParserEngine PARSER_ENGINE = {engine_open, engine_close, engine_push, engine_fail, engine_accepts};
