/* wfc dump: what the compiler makes of a file, for its developers and the curious. */
#include "cli/program.h"

#include "compiler/pass/pass.h"

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
        {0}},
    .examples = (const CliExample[]){{"wfc dump --dump-after=lower train.wf", "the graph as it was lowered"}, {0}},
    .run = run,
};
