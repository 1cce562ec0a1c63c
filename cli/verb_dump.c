/* wfc dump: what the compiler makes of a file, for its developers and the curious. */
#include "cli/program.h"

#include "compiler/backend/emit/py_expr.h"
#include "compiler/pass/pass.h"

#include <stdlib.h>

/* Pure values and defaults are written where they are used. */
static void dump_leaf(PyExpr *e, Opnd o) {
    const Flow *f = e->flow;
    const FlowRegion *r = &f->region.data[e->region];
    if (opnd_tag(o) == OPND_NODE && f->node.data[opnd_index(o)].kind == NODE_LET) {
        py_expr(e, flow_opnds(f, f->node.data[opnd_index(o)].arg)[0]);
    } else if (opnd_tag(o) == OPND_INPUT && r->kind == REGION_BODY) {
        py_expr(e, f->param.data[f->workflow.data[r->workflow].param + opnd_index(o)].fallback);
    } else {
        buf_z(e->out, "None");
    }
}

/* The value of the main workflow, from the defaults of its parameters, as wf.compute takes it. */
static void dump_python(Buf *out, const Flow *f) {
    if (f->main == UINT32_MAX) return;
    RegionId body = f->workflow.data[f->main].body;
    PyExpr e = {.flow = f, .region = body, .leaf = dump_leaf};
    uint8_t *fns = wf_alloc_zero(f->fn.len + 1);
    for (uint32_t i = 0; i < f->fn.len; i++) fns[i] = 1;
    py_compute(out, &e, f->region.data[body].result, NULL, 0, fns);
    free(fns);
    buf_addc(out, '\n');
    py_done(&e);
}

static int run(Cli *cli) {
    if (cli->args.len != 1) return cli_usage(cli, "name one file to dump");
    const char *after = cli_option(cli, "dump-after");
    if (after != NULL && !pass_known(after)) return cli_usage(cli, "there is no pass `%s`", after);
    Program p;
    Buf out = BUF_INIT, why = BUF_INIT;
    int e = program_check(&p, cli->args.data[0], "<stdin>", true), code = EXIT_FINE;
    if (e != 0) {
        code = cli_error(EXIT_INTERNAL, "cannot read `%s`: %s", cli->args.data[0], strerror(e));
    } else if (cli_has(cli, "ast")) {
        const Ast *ast = &p.sema.module.data[1].ast;
        ast_dump(&out, ast, ast->root);
    } else if (p.diags.nerrors > 0) {
        code = program_report(&p, cli, NULL, false);
    } else if (!program_lower(&p, after, &why)) {
        code = cli_error(EXIT_INTERNAL, "%s", why.p);
    } else if (cli_has(cli, "python")) {
        dump_python(&out, &p.flow);
    } else {
        flow_dump(&out, &p.flow);
    }
    if (out.n > 0 && !cli_out(buf_view(&out))) code = EXIT_INTERNAL;
    buf_free(&out);
    buf_free(&why);
    program_free(&p);
    return code;
}

const Verb verb_dump = {
    .name = "dump",
    .usage = "dump [OPTIONS] FILE",
    .summary = "prints the syntax tree or the flow graph of a file",
    .about = "Prints the flow graph after all passes, one node a line; the format is described in docs/ir.md.",
    .options = (const CliOption[]){
        {"dump-after", 0, "PASS", false, "stop after this pass: lower, fold, order"},
        {"ast", 0, NULL, false, "print the syntax tree"},
        {"python", 0, NULL, false, "print what a workflow without steps gives as Python, the way other engines compute it"},
        {0}},
    .examples = (const CliExample[]){{"wfc dump --dump-after=lower train.wf", "the graph as it was lowered"}, {0}},
    .run = run,
};
