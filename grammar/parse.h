/* Text to syntax tree. */
#ifndef WF_GRAMMAR_PARSE_H
#define WF_GRAMMAR_PARSE_H

#include "compiler/ast/ast.h"
#include "compiler/source/diag.h"

/* Parses a file of s. *out is initialised here and freed by the caller with ast_free in every case. False when there were syntax
   errors: they are in diags, *out still has a FILE node at its root, and places that could not be read are ERROR nodes.
   Linear in the size of the text; the stack used does not depend on it. */
bool parse_file(Ast *out, const Sources *s, FileId file, Atoms *atoms, Diags *diags);

#endif
